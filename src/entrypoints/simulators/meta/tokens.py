"""Refreshing an Instagram access token."""

import secrets

from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.knobs import KnobBoard
from entrypoints.simulators.meta.errors import demand_token, invalid
from entrypoints.simulators.meta.knobs import MetaKnobs
from entrypoints.simulators.meta.sending import Sending
from entrypoints.simulators.routing import Router

_DAY_IN_SECONDS = 24 * 3600


def add_token_routes(router: Router, sending: Sending, board: KnobBoard[MetaKnobs]) -> None:
    """Add the endpoint, with and without a version in front."""

    async def refresh(request: BaseRequest, *_version: str) -> Response:
        if request.query.get("grant_type") != "ig_refresh_token":
            raise invalid("The parameter grant_type must be ig_refresh_token.")
        if not request.query.get("access_token"):
            demand_token(request)
        lasts_seconds = round(board.values.token_days * _DAY_IN_SECONDS)
        token = f"IGAA{secrets.token_urlsafe(32)}"
        issued = {"access_token": token, "token_type": "bearer", "expires_in": lasts_seconds}
        return await sending.acknowledge(request, "token_refresh", {}, issued)

    router.add("GET", "/refresh_access_token", refresh)
    router.add("GET", "/{version}/refresh_access_token", refresh)
