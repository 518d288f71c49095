"""Refreshing an Instagram access token."""

import secrets

from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.answers import json_answer
from entrypoints.simulators.journal import Journal
from entrypoints.simulators.meta.errors import demand_token, invalid
from entrypoints.simulators.routing import Router

_SIXTY_DAYS_IN_SECONDS = 60 * 24 * 3600


def add_token_routes(router: Router, journal: Journal) -> None:
    """Add the endpoint, with and without a version in front."""

    async def refresh(request: BaseRequest, *_version: str) -> Response:
        if request.query.get("grant_type") != "ig_refresh_token":
            raise invalid("The parameter grant_type must be ig_refresh_token.")
        if not request.query.get("access_token"):
            demand_token(request)
        journal.write("token_refresh", accepted=True, outcome="refreshed")
        token = f"IGAA{secrets.token_urlsafe(32)}"
        return json_answer({"access_token": token, "token_type": "bearer", "expires_in": _SIXTY_DAYS_IN_SECONDS})

    router.add("GET", "/refresh_access_token", refresh)
    router.add("GET", "/{version}/refresh_access_token", refresh)
