"""Where a caller is on the network."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from litestar.connection import ASGIConnection


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The caller's address.

    A proxy of ours stands in a private network, and what it has appended to X-Forwarded-For is true; whoever comes
    from outside could write there what they like.
    """
    peer = connection.client.host if connection.client else ""
    forwarded = connection.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded if forwarded and _is_private(peer) else peer


def _is_private(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return False
