"""The content store: in memory, in a folder, and in a bucket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.content_store import ObjectContentStore, open_content_store
from application.ports.content_store import ContentStore
from domain.media import storage_key
from domain.shared import NotFound, Unavailable
from tests.fakes.content_store import MemoryContentStore
from tests.rig.bucket import Bucket
from tests.rig.waiting import until

SOMEBODY = "4cd12a72-b74e-4731-ace3-92961284bc02"
LARGE = bytes(range(256)) * 48_000
"""Twelve megabytes: more than one part of an upload."""


class BrokenOff(OSError):
    """The other side has gone away."""


@pytest.fixture
def credentials(monkeypatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
async def bucket(credentials) -> AsyncIterator[Bucket]:
    async with Bucket().serving() as bucket:
        yield bucket


def in_bucket(bucket: Bucket) -> ObjectContentStore:
    return open_content_store(f"s3://files/desk?endpoint={bucket.url}&region=eu-central-1", Path("/nowhere"))


@pytest.fixture(params=["memory", "folder", "bucket"])
async def content(request, tmp_path, credentials) -> AsyncIterator[ContentStore]:
    if request.param == "memory":
        yield MemoryContentStore()
    elif request.param == "folder":
        yield open_content_store(None, tmp_path)
    else:
        async with Bucket().serving() as bucket:
            yield in_bucket(bucket)


def a_key() -> str:
    return storage_key(uuid4(), uuid4())


async def chunked(content: bytes, size: int = 1_000_000, error: Exception | None = None) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        await asyncio.sleep(0)
        yield content[start : start + size]
    if error:
        raise error


async def read(content: ContentStore, key: str) -> bytes:
    return b"".join([chunk async for chunk in await content.get(key)])


@pytest.mark.parametrize("written", [b"", b"a", LARGE], ids=["nothing", "a byte", "twelve megabytes"])
async def test_what_is_put_is_got(content: ContentStore, written: bytes) -> None:
    key = a_key()
    await content.put(key, chunked(written))
    assert await read(content, key) == written


async def test_content_comes_in_chunks_that_fit_into_memory(content: ContentStore) -> None:
    key = a_key()
    await content.put(key, chunked(LARGE))
    sizes = [len(chunk) async for chunk in await content.get(key)]
    assert len(sizes) > 3
    assert max(sizes) < 4_000_000


async def test_putting_again_replaces(content: ContentStore) -> None:
    key = a_key()
    for written in (b"a long first draft", b"second"):
        await content.put(key, chunked(written))
    assert await read(content, key) == b"second"


@pytest.mark.parametrize("error", [ValueError("wrong"), BrokenOff("gone")], ids=lambda error: type(error).__name__)
async def test_content_that_breaks_off_leaves_what_was_there(content: ContentStore, error: Exception) -> None:
    kept, new = a_key(), a_key()
    await content.put(kept, chunked(b"first"))
    for key in (kept, new):
        with pytest.raises(type(error)):
            await content.put(key, chunked(LARGE, error=error))
    assert await read(content, kept) == b"first"
    with pytest.raises(NotFound):
        await content.get(new)


async def test_what_was_deleted_is_not_found_and_may_be_deleted_again(content: ContentStore) -> None:
    key, other = a_key(), a_key()
    for each in (key, other):
        await content.put(each, chunked(b"x"))
    for _ in range(2):
        await content.delete(key)
    with pytest.raises(NotFound):
        await content.get(key)
    assert await read(content, other) == b"x"


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", f"{SOMEBODY}/../../x", SOMEBODY, "", f"{SOMEBODY}/a.png"])
async def test_a_key_cannot_lead_elsewhere(content: ContentStore, key: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        await content.put(key, chunked(b"x"))
    with pytest.raises(ValueError):  # noqa: PT011
        await content.get(key)
    with pytest.raises(ValueError):  # noqa: PT011
        await content.delete(key)


async def test_in_a_folder_everything_is_its_owners_alone(tmp_path) -> None:
    content = open_content_store(None, tmp_path / "home")
    key = a_key()
    await content.put(key, chunked(LARGE))
    modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "home" / "media").rglob("*")}
    assert sorted(modes.values()) == [0o600, 0o700]
    assert (tmp_path / "home" / "media").stat().st_mode & 0o777 == 0o700


async def test_a_folder_holds_nothing_of_what_was_broken_off(tmp_path) -> None:
    content = open_content_store(None, tmp_path)
    with pytest.raises(BrokenOff):
        await content.put(a_key(), chunked(LARGE, error=BrokenOff()))

    async def stuck() -> AsyncIterator[bytes]:
        yield LARGE
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await content.put(a_key(), stuck())

    # What was cancelled is cleaned up by a thread of its own.
    await asyncio.to_thread(until, lambda: not [path for path in tmp_path.rglob("*") if path.is_file()])


async def test_a_bucket_is_spoken_to_with_the_credentials_of_the_environment(bucket: Bucket) -> None:
    key = a_key()
    await in_bucket(bucket).put(key, chunked(b"x"))
    assert bucket.objects == {f"/files/desk/{key}": b"x"}
    assert bucket.authorizations
    for authorization in bucket.authorizations:
        assert authorization.startswith("AWS4-HMAC-SHA256 Credential=reader/")
        assert "/eu-central-1/s3/" in authorization


async def test_a_bucket_that_refuses_is_unavailable(bucket: Bucket) -> None:
    content = in_bucket(bucket)
    bucket.refuses = 403
    for call in (content.put(a_key(), chunked(b"x")), content.get(a_key()), content.delete(a_key())):
        with pytest.raises(Unavailable):
            await call


async def test_a_folder_that_cannot_be_made_is_unavailable_and_only_when_it_is_needed(tmp_path) -> None:
    (tmp_path / "file").write_text("no folder")
    content = open_content_store(None, tmp_path / "file")
    for call in (content.put(a_key(), chunked(b"x")), content.get(a_key()), content.delete(a_key())):
        with pytest.raises(Unavailable):
            await call
