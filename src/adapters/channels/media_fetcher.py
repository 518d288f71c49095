"""Files of WhatsApp and Instagram, streamed from Meta's hosts into the content store.

WhatsApp names a file by an id: Graph turns it into a link that lives five minutes and asks for the same token.
Instagram sends the link itself, which needs none. A redirect is followed once, and never with the token.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import msgspec
import structlog
from yarl import URL

from adapters.channels.media_hosts import MediaHosts
from application.ports.content_store import ContentStore
from application.ports.media import ClaimedMedium
from domain.channels import ChannelType
from domain.media import (
    Fetched,
    FetchOutcome,
    Intake,
    MissingReason,
    NotNow,
    Refused,
    Unfetchable,
    bytes_max,
    checked_type,
    storage_key,
)
from domain.shared import Unavailable

log = structlog.get_logger()

FETCH_SECONDS_MAX = 20.0
CHUNK_BYTES = 256 * 1024
LOOKUP_BYTES_MAX = 64 * 1024
USER_AGENT = "Frontdesk/1.0"
"""Meta's file servers refuse clients without a name."""
PLATFORM_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")

OK = 200
REDIRECTS = frozenset({301, 302, 303, 307, 308})
GONE = frozenset({404, 410})
BAD_REQUEST = 400
FORBIDDEN = 403


class _Lookup(msgspec.Struct):
    """Graph's answer about a file."""

    url: str
    mime_type: str | None = None
    sha256: str | None = None
    file_size: int | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a file lies and what is told of it."""

    url: URL
    headers: Mapping[str, str]
    told: _Lookup


class _FailedForNow(Exception):
    """The platform did not answer as it should; it may later."""


class MetaMediaFetcher:
    """Streams each file by; nothing is held that is larger than a chunk."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        hosts: MediaHosts,
        content: ContentStore,
        graph_base_url: str,
        graph_version: str,
    ) -> None:
        self._session = session
        self._hosts = hosts
        self._content = content
        self._root = f"{graph_base_url.rstrip('/')}/{graph_version}"

    async def fetch(self, claimed: Sequence[ClaimedMedium], timeout_seconds: float) -> Sequence[FetchOutcome]:
        """Fetch all at once; see the port."""
        seconds = min(timeout_seconds, FETCH_SECONDS_MAX)
        return await asyncio.gather(*(self._outcome(one, seconds) for one in claimed))

    async def _outcome(self, wanted: ClaimedMedium, seconds: float) -> FetchOutcome:
        try:
            async with asyncio.timeout(seconds):
                outcome = await self._fetched(wanted)
        except Refused as refused:
            outcome = Unfetchable(refused.reason)
        except (_FailedForNow, Unavailable, aiohttp.ClientError, OSError, ValueError) as error:
            # A token that no header can carry is a ValueError; a time-out is an OSError.
            log.info(
                "medium_not_fetched", medium_id=str(wanted.id), attempt=wanted.attempts, error=type(error).__name__
            )
            return NotNow()
        return outcome

    async def _fetched(self, wanted: ClaimedMedium) -> FetchOutcome:
        source = await self._source(wanted)
        async with self._opened(source) as response:
            kind = wanted.medium.kind
            mime_type = checked_type(kind, source.told.mime_type, response.headers.get("Content-Type"))
            announced = response.content_length
            limit = bytes_max(wanted.channel, kind)
            if announced is not None and announced > limit:
                raise Refused(MissingReason.TOO_LARGE)
            intake = Intake(limit, wanted.medium.sha256, source.told.sha256, size=source.told.file_size)
            chunks = _checked(response, intake)
            await self._content.put(storage_key(wanted.user_id, wanted.id), chunks)
        return Fetched(mime_type, intake.bytes, intake.finish())

    async def _source(self, wanted: ClaimedMedium) -> _Source:
        medium = wanted.medium
        if wanted.channel is ChannelType.WHATSAPP:
            token = {"Authorization": f"Bearer {wanted.access_token}"}
            told = await self._looked_up(wanted, token)
            return _Source(self._allowed(told.url), token, told)
        if wanted.channel is ChannelType.INSTAGRAM and medium.url:
            return _Source(self._allowed(medium.url), {}, _Lookup(medium.url, medium.mime_type))
        raise Refused(MissingReason.NOT_ALLOWED)

    async def _looked_up(self, wanted: ClaimedMedium, token: Mapping[str, str]) -> _Lookup:
        """What Graph says of the id. Source: GET /{media_id}?phone_number_id=."""
        if not PLATFORM_ID.fullmatch(wanted.medium.platform_id or ""):
            raise Refused(MissingReason.NOT_ALLOWED)
        if wanted.access_token is None:
            raise _FailedForNow
        url = URL(f"{self._root}/{wanted.medium.platform_id}") % {"phone_number_id": wanted.account}
        async with self._asked(url, token) as response:
            if response.status in GONE | {BAD_REQUEST}:
                raise Refused(MissingReason.GONE)
            _must_be_ok(response)
            body = await response.content.read(LOOKUP_BYTES_MAX)
        try:
            told = msgspec.json.decode(body, type=_Lookup)
        except msgspec.DecodeError as error:
            raise _FailedForNow from error
        told.mime_type = told.mime_type or wanted.medium.mime_type
        return told

    @asynccontextmanager
    async def _opened(self, source: _Source) -> AsyncIterator[aiohttp.ClientResponse]:
        """The file's answer. A redirect leads to an allowed host, once, without the token."""
        async with self._asked(source.url, source.headers) as response:
            if response.status not in REDIRECTS:
                yield _served(response, source)
                return
            target = self._redirected(source.url, response.headers.get("Location", ""))
        async with self._asked(target, {}) as response:
            if response.status in REDIRECTS:
                raise Refused(MissingReason.NOT_ALLOWED)
            yield _served(response, source)

    @asynccontextmanager
    async def _asked(self, url: URL, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        named = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        async with self._session.get(url, headers=named, allow_redirects=False) as response:
            yield response

    def _redirected(self, url: URL, location: str) -> URL:
        try:
            return self._allowed(str(url.join(URL(location))))
        except ValueError as error:
            raise Refused(MissingReason.NOT_ALLOWED) from error

    def _allowed(self, written: str) -> URL:
        url = self._hosts.url(written)
        if url is None:
            raise Refused(MissingReason.NOT_ALLOWED)
        return url


def _served(response: aiohttp.ClientResponse, source: _Source) -> aiohttp.ClientResponse:
    """The answer when it is the file. A link without a token that is forbidden has run out."""
    if response.status in GONE or (response.status == FORBIDDEN and not source.headers):
        raise Refused(MissingReason.GONE)
    _must_be_ok(response)
    return response


def _must_be_ok(response: aiohttp.ClientResponse) -> None:
    if response.status != OK or response.headers.get("Content-Encoding", "identity") != "identity":
        raise _FailedForNow


async def _checked(response: aiohttp.ClientResponse, intake: Intake) -> AsyncIterator[bytes]:
    """The file's chunks; what is wrong with them is raised while they pass, before the store keeps anything."""
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        intake.pass_by(chunk)
        yield chunk
    intake.finish()
