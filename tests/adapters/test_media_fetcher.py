"""Files fetched from a server that behaves as badly as it can."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from adapters.channels.media_fetcher import USER_AGENT, MetaMediaFetcher
from adapters.channels.media_hosts import MediaHosts, PublicResolver, is_public, opened_media_http
from application.ports.media import ClaimedMedium
from domain.channels import ChannelType, Medium, MediumKind
from domain.media import Fetched, MissingReason, NotNow, Unfetchable, storage_key
from tests.builders import an_id
from tests.fakes.content_store import MemoryContentStore

CAKE = b"\xff\xd8\xff" + b"cake" * 1_000
DIGEST = hashlib.sha256(CAKE)
MEGABYTE = 1024 * 1024

Answerer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class Meta:
    """Graph and its file server in one. `lookup` is what Graph says, `files` answer by path."""

    lookup: dict[str, Any] = field(default_factory=dict)
    lookup_status: int = 200
    files: dict[str, Answerer] = field(default_factory=dict)
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    url: str = ""

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = request.headers
        self.asked.append((request.path_qs, headers.get("Authorization"), headers.get("User-Agent")))
        if request.path in self.files:
            return await self.files[request.path](request)
        body = {"id": "77", "url": f"{self.url}/file", "mime_type": "image/jpeg", "file_size": len(CAKE)} | self.lookup
        return web.json_response(body, status=self.lookup_status)

    def tokens(self) -> list[str | None]:
        return [token for _, token, _ in self.asked]


def says(body: bytes = CAKE, status: int = 200, **headers: str) -> Answerer:
    named = {"Content-Type": "image/jpeg"} | {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, body=body, headers=named)

    return answer


def streams(*chunks: bytes, pause_seconds: float = 0, length: int | None = None, for_ever: bool = False) -> Answerer:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/jpeg"})
        response.content_length = length
        await response.prepare(request)
        while True:
            for chunk in chunks:
                await response.write(chunk)
                await asyncio.sleep(pause_seconds)
            if not for_ever:
                request.transport.close()
                return response

    return answer


@pytest.fixture
async def meta() -> AsyncIterator[Meta]:
    meta = Meta(files={"/file": says()})
    runner = web.ServerRunner(web.Server(meta), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    meta.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield meta
    await runner.cleanup()


@pytest.fixture
def content() -> MemoryContentStore:
    return MemoryContentStore()


@pytest.fixture
async def fetcher(meta, content) -> AsyncIterator[MetaMediaFetcher]:
    hosts = MediaHosts(meta.url)
    async with opened_media_http(hosts) as session:
        yield MetaMediaFetcher(session, hosts, content, meta.url, "v23.0")


def wanted(kind: MediumKind = MediumKind.IMAGE, **fields: Any) -> ClaimedMedium:
    medium = Medium(kind, "77", None, "image/jpeg", DIGEST.hexdigest(), None)
    claimed = ClaimedMedium(an_id(), an_id(), ChannelType.WHATSAPP, "42", "EAAG", medium, 1)
    changes = {name: fields.pop(name) for name in list(fields) if name in {"channel", "access_token", "account"}}
    return replace(claimed, medium=replace(medium, **fields), **changes)


def shared(url: str, **fields: Any) -> ClaimedMedium:
    return wanted(channel=ChannelType.INSTAGRAM, url=url, platform_id=None, mime_type=None, sha256=None, **fields)


async def fetched(fetcher: MetaMediaFetcher, one: ClaimedMedium, seconds: float = 5) -> Any:
    (outcome,) = await fetcher.fetch([one], seconds)
    return outcome


async def test_whatsapp_names_a_link_and_both_are_asked_with_the_token(fetcher, meta, content) -> None:
    one = wanted()
    assert await fetched(fetcher, one) == Fetched("image/jpeg", len(CAKE), DIGEST.hexdigest())
    assert content.kept == {storage_key(one.user_id, one.id): CAKE}
    assert meta.asked == [
        ("/v23.0/77?phone_number_id=42", "Bearer EAAG", USER_AGENT),
        ("/file", "Bearer EAAG", USER_AGENT),
    ]


async def test_instagram_s_link_is_asked_without_any_token(fetcher, meta, content) -> None:
    one = shared(f"{meta.url}/file?asset_id=1&signature=x")
    assert await fetched(fetcher, one) == Fetched("image/jpeg", len(CAKE), DIGEST.hexdigest())
    assert meta.asked == [("/file?asset_id=1&signature=x", None, USER_AGENT)]


async def test_many_are_fetched_at_once_and_answered_in_order(fetcher, meta) -> None:
    meta.files["/slow"] = streams(CAKE, pause_seconds=0.3, length=len(CAKE))
    begun = asyncio.get_running_loop().time()
    outcomes = await fetcher.fetch([*(shared(f"{meta.url}/slow") for _ in range(5)), shared(f"{meta.url}/none")], 5)
    assert asyncio.get_running_loop().time() - begun < 1.2
    assert [type(one) for one in outcomes] == [Fetched] * 5 + [Unfetchable]


@pytest.mark.parametrize("told", [DIGEST.hexdigest(), DIGEST.hexdigest().upper(), base64.b64encode(DIGEST.digest())])
async def test_the_checksum_may_be_told_in_hexadecimal_or_base64(fetcher, meta, told) -> None:
    told = told if isinstance(told, str) else told.decode()
    meta.lookup = {"sha256": told}
    assert isinstance(await fetched(fetcher, wanted(sha256=told)), Fetched)


@pytest.mark.parametrize("who", ["the webhook", "graph", "graph's length"])
async def test_a_file_that_is_not_what_was_told_is_not_kept(fetcher, meta, content, who) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    meta.lookup = {"graph": {"sha256": other}, "graph's length": {"file_size": 7}}.get(who, {})
    one = wanted(sha256=base64.b64encode(bytes.fromhex(other)).decode()) if who == "the webhook" else wanted()
    assert await fetched(fetcher, one) == Unfetchable(MissingReason.WRONG_CHECKSUM)
    assert content.kept == {}


async def test_a_redirect_is_followed_once_and_never_with_the_token(fetcher, meta) -> None:
    meta.files["/file"] = says(status=302, Location="/elsewhere")
    meta.files["/elsewhere"] = says()
    assert isinstance(await fetched(fetcher, wanted()), Fetched)
    assert meta.tokens() == ["Bearer EAAG", "Bearer EAAG", None]

    meta.files["/elsewhere"] = says(status=302, Location="/file")
    assert await fetched(fetcher, wanted()) == Unfetchable(MissingReason.NOT_ALLOWED)
    assert len(meta.asked) == 6


@pytest.mark.parametrize(
    "location", ["https://evil.example/x", "http://lookaside.fbsbx.com/x", "http://169.254.169.254/", "", "http://["]
)
async def test_a_redirect_to_anywhere_else_is_not_followed(fetcher, meta, location) -> None:
    meta.files["/file"] = says(status=302, Location=location or "//:0")
    assert await fetched(fetcher, wanted()) == Unfetchable(MissingReason.NOT_ALLOWED)
    assert len(meta.asked) == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com:8443/x",
        "https://user@lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com.evil.example/x",
        "https://evilfbcdn.net/x",
        "https://fbcdn.net.evil.example/x",
        "https://evil.example/lookaside.fbsbx.com",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "ftp://lookaside.fbsbx.com/x",
        "file:///etc/passwd",
        "//lookaside.fbsbx.com/x",
        "/etc/passwd",
        "http://[",
        "",
    ],
)
async def test_an_address_that_is_not_meta_s_is_never_asked(fetcher, meta, url) -> None:
    assert await fetched(fetcher, shared(url)) == Unfetchable(MissingReason.NOT_ALLOWED)
    meta.lookup = {"url": url}
    assert await fetched(fetcher, wanted()) == Unfetchable(MissingReason.NOT_ALLOWED)
    assert [path for path, _, _ in meta.asked] == ["/v23.0/77?phone_number_id=42"]


@pytest.mark.parametrize(
    "url",
    [
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
        "https://scontent.xx.fbcdn.net/v/t1.jpg",
        "https://scontent-fra3-1.cdninstagram.com/v/t1.jpg",
        "https://LOOKASIDE.fbsbx.com/x",
    ],
)
def test_meta_s_own_hosts_are_allowed(url) -> None:
    assert MediaHosts("https://graph.facebook.com").url(url) is not None


@pytest.mark.parametrize("platform_id", ["../me", "77/..", "a?b=c", "", None, "7" * 201, "\N{FULLWIDTH DIGIT SEVEN}"])
async def test_an_id_that_is_no_id_is_never_asked(fetcher, meta, platform_id) -> None:
    assert await fetched(fetcher, wanted(platform_id=platform_id)) == Unfetchable(MissingReason.NOT_ALLOWED)
    assert meta.asked == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("31.13.84.51", True),
        ("2a03:2880:f003::1", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("224.0.0.1", False),
        ("::1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:0a00:0001::1", False),
        ("nonsense", False),
    ],
)
def test_only_public_addresses_are_connected_to(address, expected) -> None:
    assert is_public(address) is expected


class ToldResolver(AbstractResolver):
    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(self, host, port=0, family=0):
        return [{"hostname": host, "host": one, "port": port, "family": 2, "proto": 0, "flags": 0} for one in
                self._addresses]  # fmt: skip

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_name_of_meta_s_that_leads_into_our_network_is_not_followed(content) -> None:
    hosts = MediaHosts("http://graph.internal:9")
    mixed = PublicResolver(hosts, ToldResolver("10.0.0.1", "31.13.84.51"))
    assert [one["host"] for one in await mixed.resolve("lookaside.fbsbx.com")] == ["31.13.84.51"]
    inside = PublicResolver(hosts, ToldResolver("10.0.0.1"))
    assert await inside.resolve("graph.internal")
    connector = aiohttp.TCPConnector(resolver=inside)
    async with aiohttp.ClientSession(connector=connector) as session:
        fetcher = MetaMediaFetcher(session, hosts, content, "http://graph.internal:9", "v23.0")
        assert await fetched(fetcher, shared("https://lookaside.fbsbx.com/x")) == NotNow()


@pytest.mark.parametrize("length", [None, 30 * MEGABYTE])
async def test_a_body_without_end_is_cut_off_at_the_limit(fetcher, meta, content, length) -> None:
    meta.files["/file"] = streams(bytes(MEGABYTE), for_ever=True, length=length)
    meta.lookup = {"file_size": None}
    assert await fetched(fetcher, wanted()) == Unfetchable(MissingReason.TOO_LARGE)
    assert content.kept == {}


async def test_a_size_that_graph_announces_is_not_even_asked_for(fetcher, meta) -> None:
    meta.lookup = {"file_size": 6 * MEGABYTE}
    assert await fetched(fetcher, wanted()) == Unfetchable(MissingReason.TOO_LARGE)


@pytest.mark.parametrize(
    ("channel", "kind", "size", "fits"),
    [
        (ChannelType.WHATSAPP, MediumKind.STICKER, 600_000, False),
        (ChannelType.WHATSAPP, MediumKind.DOCUMENT, 20 * MEGABYTE, True),
        (ChannelType.INSTAGRAM, MediumKind.IMAGE, 7 * MEGABYTE, True),
        (ChannelType.INSTAGRAM, MediumKind.IMAGE, 9 * MEGABYTE, False),
    ],
)
async def test_the_limit_is_the_platform_s_for_that_kind(fetcher, meta, channel, kind, size, fits) -> None:
    meta.files["/file"] = says(bytes(size), Content_Type="image/webp")
    meta.lookup = {"file_size": None}
    one = wanted(kind, sha256=None) if channel is ChannelType.WHATSAPP else shared(f"{meta.url}/file", kind=kind)
    assert isinstance(await fetched(fetcher, one, 10), Fetched) is fits


async def test_a_body_that_is_shorter_than_announced_is_tried_again(fetcher, meta, content) -> None:
    meta.files["/file"] = streams(CAKE[:100], length=len(CAKE))
    assert await fetched(fetcher, wanted()) == NotNow()
    assert content.kept == {}


async def test_a_slow_drip_does_not_outlast_the_deadline(fetcher, meta, content) -> None:
    meta.files["/file"] = streams(b"x", pause_seconds=0.02, for_ever=True)
    begun = asyncio.get_running_loop().time()
    assert await fetched(fetcher, wanted(), 0.3) == NotNow()
    assert asyncio.get_running_loop().time() - begun < 1
    assert content.kept == {}


@pytest.mark.parametrize("served", ["text/html", "application/x-msdownload", "nonsense", "video/mp4"])
async def test_a_file_of_another_type_than_its_kind_has_is_not_kept(fetcher, meta, served) -> None:
    meta.files["/file"] = says(Content_Type=served)
    one = shared(f"{meta.url}/file")
    assert await fetched(fetcher, one) == Unfetchable(MissingReason.WRONG_TYPE)


async def test_what_is_served_as_any_bytes_has_the_type_it_was_announced_with(fetcher, meta) -> None:
    meta.files["/file"] = says(Content_Type="application/octet-stream")
    outcome = await fetched(fetcher, wanted(mime_type="Image/JPEG; q=1"))
    assert outcome.mime_type == "image/jpeg"


@pytest.mark.parametrize(
    ("lookup_status", "file_status", "expected"),
    [
        (400, 200, Unfetchable(MissingReason.GONE)),
        (404, 200, Unfetchable(MissingReason.GONE)),
        (401, 200, NotNow()),
        (500, 200, NotNow()),
        (200, 404, Unfetchable(MissingReason.GONE)),
        (200, 403, NotNow()),
        (200, 206, NotNow()),
        (200, 503, NotNow()),
    ],
)
async def test_what_is_gone_is_gone_and_the_rest_may_come_back(
    fetcher, meta, lookup_status, file_status, expected
) -> None:
    meta.lookup_status, meta.files["/file"] = lookup_status, says(status=file_status)
    assert await fetched(fetcher, wanted()) == expected


async def test_a_link_of_instagram_s_that_has_run_out_is_gone(fetcher, meta) -> None:
    meta.files["/file"] = says(status=403)
    assert await fetched(fetcher, shared(f"{meta.url}/file")) == Unfetchable(MissingReason.GONE)


async def test_a_packed_body_is_not_unpacked(fetcher, meta) -> None:
    meta.files["/file"] = says(Content_Encoding="gzip")
    assert await fetched(fetcher, wanted()) == NotNow()


@pytest.mark.parametrize("token", [None, "line\nbreak"])
async def test_without_a_usable_token_a_file_waits_for_one(fetcher, token) -> None:
    assert await fetched(fetcher, wanted(access_token=token)) == NotNow()


async def test_a_store_that_is_out_costs_no_file(fetcher, content) -> None:
    content.is_out = True
    assert await fetched(fetcher, wanted()) == NotNow()


async def test_a_graph_that_answers_nonsense_is_tried_again(fetcher, meta) -> None:
    meta.files["/v23.0/77"] = says(b"<html>")
    assert await fetched(fetcher, wanted()) == NotNow()


@pytest.mark.parametrize("channel", [ChannelType.WHATSAPP, ChannelType.INSTAGRAM])
async def test_files_of_the_simulator_are_fetched_as_the_platforms_give_them(
    meta_process, meta_controls, content, channel
) -> None:
    body = {"mime_type": "image/jpeg", "base64": base64.b64encode(CAKE).decode()}
    added = await meta_controls.call("POST", "media", body)
    hosts = MediaHosts(meta_process.url)
    one = wanted(platform_id=added["id"]) if channel is ChannelType.WHATSAPP else shared(added["url"])
    async with opened_media_http(hosts) as session:
        fetcher = MetaMediaFetcher(session, hosts, content, meta_process.url, "v23.0")
        assert await fetched(fetcher, one) == Fetched("image/jpeg", len(CAKE), DIGEST.hexdigest())
