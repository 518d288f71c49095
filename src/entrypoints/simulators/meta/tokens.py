"""Refreshing an Instagram access token."""

import secrets

from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.meta.errors import demand_token, invalid
from entrypoints.simulators.meta.sending import Sending
from entrypoints.simulators.routing import Router

_SIXTY_DAYS_IN_SECONDS = 60 * 24 * 3600


def add_token_routes(router: Router, sending: Sending) -> None:
    """Add the endpoint, with and without a version in front."""

    async def refresh(request: BaseRequest, *_version: str) -> Response:
        if request.query.get("grant_type") != "ig_refresh_token":
            raise invalid("The parameter grant_type must be ig_refresh_token.")
        if not request.query.get("access_token"):
            demand_token(request)
        token = f"IGAA{secrets.token_urlsafe(32)}"
        issued = {"access_token": token, "token_type": "bearer", "expires_in": _SIXTY_DAYS_IN_SECONDS}
        return await sending.acknowledge(request, "token_refresh", {}, issued)

    router.add("GET", "/refresh_access_token", refresh)
    router.add("GET", "/{version}/refresh_access_token", refresh)
