"""Every answer names its request, by the caller's own id where that is one; it is not to be guessed at, or kept."""

from __future__ import annotations

import os
import re

from litestar.types import Message, Scope

ACCEPTABLE_ID = re.compile(rb"^[A-Za-z0-9._-]{1,128}$")
KEY = "request_id"

_NOT_TO_BE_GUESSED = (b"x-content-type-options", b"nosniff")
_NOT_TO_BE_KEPT = (b"cache-control", b"no-store")


def request_id_of(scope: Scope) -> str:
    """The id of this request: what came in ``X-Request-Id`` if it is harmless in a log, a new one otherwise."""
    state = scope.setdefault("state", {})
    if KEY not in state:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        state[KEY] = given.decode() if ACCEPTABLE_ID.match(given) else os.urandom(16).hex()
    known: str = state[KEY]
    return known


async def add_standing_headers(message: Message, scope: Scope) -> None:
    """Litestar's hook on everything that is sent. An answer that says itself how it may be kept is left to it."""
    if message["type"] == "http.response.start":
        given = list(message["headers"])
        says_how_to_keep = any(name == _NOT_TO_BE_KEPT[0] for name, _ in given)
        message["headers"] = [
            *given,
            (b"x-request-id", request_id_of(scope).encode()),
            _NOT_TO_BE_GUESSED,
            *([] if says_how_to_keep else [_NOT_TO_BE_KEPT]),
        ]
