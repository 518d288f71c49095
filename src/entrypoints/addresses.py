"""Where a caller is on the network, as both doors for integrators reckon it."""

from __future__ import annotations

from ipaddress import ip_address


def address_behind(peer: str, forwarded_for: str) -> str:
    """The caller's address: the peer's, or what a proxy of ours says of whom it speaks for.

    A proxy of ours stands in a private network, and what it has appended to X-Forwarded-For is true; whoever comes
    from outside could write there what they like.
    """
    forwarded = forwarded_for.rpartition(",")[2].strip()
    return forwarded if forwarded and _is_private(peer) else peer


def _is_private(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return False
