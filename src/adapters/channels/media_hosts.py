"""Which addresses files may be fetched from: Meta's, by https, on the public internet; and the configured Graph."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

HOSTS = frozenset({"lookaside.fbsbx.com", "graph.facebook.com", "graph.instagram.com"})
SUFFIXES = (".fbcdn.net", ".cdninstagram.com")
"""Meta's content networks: scontent… and video… by region."""


class MediaHosts:
    """`graph_base_url` is trusted as it is configured: in development it is a simulator on this machine."""

    def __init__(self, graph_base_url: str) -> None:
        self._graph = URL(graph_base_url).origin()

    def url(self, written: str | None) -> URL | None:
        """The address, when a file may be fetched from there."""
        try:
            url = URL(written or "")
            return url if url.absolute and self._is_allowed(url) else None
        except ValueError:
            return None

    def trusts(self, host: str) -> bool:
        """Whether this is the configured Graph, which may stand on a private network."""
        return host == self._graph.host

    def _is_allowed(self, url: URL) -> bool:
        if url.user is not None or url.password is not None:
            return False
        if url.origin() == self._graph:
            return True
        host = (url.host or "").lower()
        return url.scheme == "https" and url.port == 443 and (host in HOSTS or host.endswith(SUFFIXES))  # noqa: PLR2004


class PublicResolver(AbstractResolver):
    """Finds public addresses only: a name of Meta's that leads into our own network is not followed.

    Asked by the connection itself, so that what was checked is what is connected to.
    """

    def __init__(self, hosts: MediaHosts, resolver: AbstractResolver) -> None:
        self._hosts = hosts
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of a name. Raises OSError when it has none."""
        found = await self._resolver.resolve(host, port, family)
        public = [one for one in found if self._hosts.trusts(host) or is_public(one["host"])]
        if not public:
            raise OSError(None, "The name has no public address.")
        return public

    async def close(self) -> None:
        """Close what it asks."""
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Whether an IP address is reachable from everywhere; those that wrap an IPv4 address count as that."""
    try:
        ip: Any = ipaddress.ip_address(address)
    except ValueError:
        return False
    wrapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return bool((wrapped or ip).is_global and not (wrapped or ip).is_multicast)


def opened_media_http(hosts: MediaHosts) -> aiohttp.ClientSession:
    """The session for files: no proxy, no cookies, nothing unpacked on the way."""
    connector = aiohttp.TCPConnector(limit=64, resolver=PublicResolver(hosts, aiohttp.ThreadedResolver()))
    return aiohttp.ClientSession(
        connector=connector, trust_env=False, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    )
