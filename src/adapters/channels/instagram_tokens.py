"""Instagram Login's new tokens for old ones: GET /refresh_access_token?grant_type=ig_refresh_token."""

from __future__ import annotations

import aiohttp
import msgspec
import structlog

from adapters.channels.graph_error_table import Handling
from adapters.channels.graph_errors import error_in, row_of_error
from application.ports.token_refresh import NotRefreshed, Refreshed, TokenRefused
from domain.channels import checked_token
from domain.shared import InvalidInput

log = structlog.get_logger()

REFRESH_SECONDS_MAX = 10.0
REDIRECTS_START = 300


class _Issued(msgspec.Struct):
    access_token: str
    expires_in: float


class InstagramTokens:
    """Asks for new tokens. The old one travels in the address, as Meta wants it: no error tells its address here."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._url = f"{base_url.rstrip('/')}/refresh_access_token"

    async def refresh(self, access_token: str) -> Refreshed | TokenRefused | NotRefreshed:
        """Ask for a new token; see the port."""
        outcome = await self._asked(access_token)
        if isinstance(outcome, NotRefreshed):
            log.warning("token_not_refreshed", reason=outcome.detail)
        return outcome

    async def _asked(self, access_token: str) -> Refreshed | TokenRefused | NotRefreshed:
        try:
            async with self._session.get(
                self._url,
                params={"grant_type": "ig_refresh_token", "access_token": access_token},
                timeout=aiohttp.ClientTimeout(total=REFRESH_SECONDS_MAX),
                allow_redirects=False,
            ) as response:
                return _outcome(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            return NotRefreshed(f"Instagram did not answer: {type(error).__name__}")


def _outcome(http_status: int, body: bytes) -> Refreshed | TokenRefused | NotRefreshed:
    error = error_in(body)
    row = None if error is None else row_of_error(error)
    if row is not None and row.handling is Handling.REAUTHORIZE:
        return TokenRefused("Instagram refuses the token; connect the account again and set the new one.")
    if error is not None or http_status >= REDIRECTS_START:
        return NotRefreshed(f"Instagram answered {http_status}, {'unknown' if row is None else row.name}.")
    try:
        issued = msgspec.json.decode(body, type=_Issued, strict=False)
        return Refreshed(checked_token(issued.access_token), issued.expires_in)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidInput):
        return NotRefreshed("Instagram's answer holds no token.")
