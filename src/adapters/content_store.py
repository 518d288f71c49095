"""The content store on obstore: a folder of this machine, or whatever speaks S3."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from domain.shared import NotFound, Unavailable

CHUNK_BYTES = 256 * 1024
KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OWNER_ONLY_FOLDER, OWNER_ONLY_FILE = 0o700, 0o600


class Place(Protocol):
    """What a store needs beside obstore: who may look into it."""

    @property
    def store(self) -> ObjectStore:
        """Where it lies. Raises OSError when that cannot be made."""

    def prepare(self, key: str) -> None:
        """Before a key is written."""

    def protect(self, key: str) -> None:
        """After a key was written."""


class Folder:
    """A folder that only its owner can look into, made when something is first kept there."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    @cached_property
    def store(self) -> ObjectStore:
        """The folder; a process that keeps and reads nothing needs none."""
        self._path.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        return LocalStore(self._path)

    def prepare(self, key: str) -> None:
        """The folder of the key, for nobody else."""
        (self._path / key).parent.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)

    def protect(self, key: str) -> None:
        """The file, for nobody else; its folder was that already."""
        (self._path / key).chmod(OWNER_ONLY_FILE)


class Bucket:
    """A bucket; who may look into it is its own policy's business."""

    def __init__(self, url: str) -> None:
        self._store = _bucket(url)

    @property
    def store(self) -> ObjectStore:
        """The bucket, below its prefix."""
        return self._store

    def prepare(self, key: str) -> None:
        """Nothing: a bucket has no folders."""

    def protect(self, key: str) -> None:
        """Nothing: what is in a bucket is private unless its policy says otherwise."""


class ObjectContentStore:
    """Content by key, written whole or not at all."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep what `chunks` gives; see the port."""
        with _failures_named():
            store = self._place.store
            self._place.prepare(_checked(key))
        source = _Source(chunks)
        try:
            with _failures_named():
                await obstore.put_async(store, key, source.passed_on(), chunk_size=5 * 1024 * 1024)
                self._place.protect(key)
        except Unavailable:
            if source.error is not None:
                raise source.error from None
            raise

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """The content in chunks; see the port."""
        with _failures_named():
            try:
                result = await obstore.get_async(self._place.store, _checked(key))
            except FileNotFoundError as error:
                raise NotFound("file") from error
        return _chunks(result)

    async def delete(self, key: str) -> None:
        """Forget the content; see the port."""
        with _failures_named(), suppress(FileNotFoundError):
            await obstore.delete_async(self._place.store, _checked(key))


class _Source:
    """The caller's chunks, and the error with which they ended: it is the caller's, whatever obstore makes of it."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.error: Exception | None = None

    async def passed_on(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                yield chunk
        except Exception as error:
            self.error = error
            raise


async def _chunks(result: obstore.GetResult) -> AsyncIterator[bytes]:
    with _failures_named():
        async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
            yield bytes(chunk)


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise Unavailable("The content store does not answer; check MEDIA_STORE_URL or the disk.") from error


def _checked(key: str) -> str:
    if not KEY.fullmatch(key):
        raise ValueError("A key is the id of a user and the id of a file.")
    return key


def open_content_store(url: str | None, home: Path) -> ObjectContentStore:
    """The store that the setting names, or the folder ``media`` of FRONTDESK_HOME.

    `url` is ``s3://bucket/prefix?endpoint=…&region=…``; credentials come from the usual AWS_* variables.
    """
    return ObjectContentStore(Folder(home / "media") if url is None else Bucket(url))


def _bucket(url: str) -> ObjectStore:
    parts = urlsplit(url)
    given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    endpoint = given.get("endpoint")
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        **{name: given[name] for name in ("endpoint", "region") if name in given},  # type: ignore[arg-type]
        # A reader may be slow, the bucket not: what is bounded is each silence, and the whole only generously.
        client_options={
            "allow_http": bool(endpoint and endpoint.startswith("http://")),
            "connect_timeout": "5s",
            "read_timeout": "10s",
            "timeout": "600s",
        },
        retry_config={"max_retries": 2},
    )
