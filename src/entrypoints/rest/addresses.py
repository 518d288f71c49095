"""Where a caller is on the network."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection

from entrypoints.addresses import address_behind


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The caller's address."""
    peer = connection.client.host if connection.client else ""
    return address_behind(peer, connection.headers.get("x-forwarded-for", ""))
