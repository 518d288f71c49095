"""The Graph API's side of sending, alike for WhatsApp and Instagram: one call in, one request out.

Graph knows no idempotency key, so nothing is ever repeated here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from adapters.channels.graph_errors import asked_seconds, error_in, outcome_of_error
from application.ports.briefings import Briefing
from domain.delivery import Accepted, Ambiguous, Deferred, Refused, SendOutcome

REDIRECTS_START = 300
CONNECT_SECONDS_MAX = 5.0
COURTESY_SECONDS_MAX = 5.0
"""How long a read mark or a typing sign may take."""

ReadId = Callable[[bytes], str | None]
"""Finds the platform's id of a message in the body of an acceptance."""


class Graph:
    """Posts to ``{base}/{version}/{account}/messages`` through one HTTP session."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, version: str) -> None:
        self._session = session
        self._root = f"{base_url.rstrip('/')}/{version}"

    async def send(
        self, briefing: Briefing, request: dict[str, Any], timeout_seconds: float, read_id: ReadId
    ) -> SendOutcome:
        """What Graph said to a message; every failure is one of the outcomes."""
        try:
            async with self._posted(briefing, request, timeout_seconds) as response:
                return _outcome(response, await response.read(), read_id)
        except ValueError:
            # A URL or a header that cannot be written (a token with a line break in it): nothing was sent.
            detail = "Account or access token hold characters that no request can carry."
            return Refused({"detail": detail}, is_our_fault=True)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Deferred({"detail": f"Graph could not be reached: {type(error).__name__}"}, is_outage=True)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Ambiguous({"detail": f"Graph did not answer: {type(error).__name__}"})

    async def tell(self, briefing: Briefing, *requests: dict[str, Any]) -> None:
        """Post what is a courtesy, one after the other; whatever comes of it, nobody is told."""
        try:
            for request in requests:
                async with self._posted(briefing, request, COURTESY_SECONDS_MAX) as response:
                    await response.read()
        except (ValueError, aiohttp.ClientError, TimeoutError):
            return

    def _posted(
        self, briefing: Briefing, request: dict[str, Any], timeout_seconds: float
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._session.post(
            f"{self._root}/{quote(briefing.account, safe='')}/messages",
            data=msgspec.json.encode(request),
            headers={"Authorization": f"Bearer {briefing.access_token}", "Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=CONNECT_SECONDS_MAX),
            allow_redirects=False,
        )


def _outcome(response: aiohttp.ClientResponse, body: bytes, read_id: ReadId) -> SendOutcome:
    """A 2xx is an acceptance even when its body is broken: the id then comes with the first receipt.

    Unless the body is an error: Graph was seen to report one under status 200.
    """
    error = error_in(body)
    if response.status < REDIRECTS_START and error is None:
        return Accepted(read_id(body))
    return outcome_of_error(response.status, error or {}, asked_seconds(response.headers))
