"""What pages of other origins may see of our answers: what these routes say, once their origin was checked."""

from __future__ import annotations

from litestar.connection import ASGIConnection
from litestar.datastructures import Headers
from litestar.types import Message, Scope

_KEY = "page_origin"


def origin_of(connection: ASGIConnection) -> str | None:  # type: ignore[type-arg]
    """The origin of the page that asks, as its browser tells."""
    return connection.headers.get("origin")


def bearer_of(headers: Headers) -> str:
    """The token of ``Authorization: Bearer``; empty when there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def let_page_read(scope: Scope, origin: str | None) -> None:
    """Whatever this request is answered may be read by the page: its origin is one of the web chat's."""
    if origin is not None:
        scope.setdefault("state", {})[_KEY] = origin


async def add_page_headers(message: Message, scope: Scope) -> None:
    """Litestar's hook on everything that is sent. No credentials: a cookie has no business here."""
    origin = scope.get("state", {}).get(_KEY)
    if message["type"] == "http.response.start" and origin is not None:
        message["headers"] = [
            *message["headers"],
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", b"retry-after"),
            (b"vary", b"origin"),
        ]
