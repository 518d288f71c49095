"""Files in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

from adapters.content_store import KEY
from domain.shared import NotFound, Unavailable


class MemoryContentStore:
    """A dictionary; `is_out` makes every call fail."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.is_out = False

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        self._must_be_there(key)
        content = b"".join([chunk async for chunk in chunks])
        self.kept[key] = content

    async def get(self, key: str) -> AsyncIterator[bytes]:
        self._must_be_there(key)
        if key not in self.kept:
            raise NotFound("file")
        return _chunks(self.kept[key])

    async def delete(self, key: str) -> None:
        self._must_be_there(key)
        self.kept.pop(key, None)

    def _must_be_there(self, key: str) -> None:
        if not KEY.fullmatch(key):
            raise ValueError(key)
        if self.is_out:
            raise Unavailable("The content store does not answer.")


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1_000):
        yield content[start : start + 1_000]
