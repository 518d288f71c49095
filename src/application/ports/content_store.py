"""Where files lie: a folder, or anything that speaks S3."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol


class ContentStore(Protocol):
    """Bytes by key. A key is what `domain.media.storage_key` makes: another one is a bug and raises ValueError.

    Every call raises Unavailable when the store is out of reach.
    """

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep what `chunks` gives, in place of what was there: all of it or, when `chunks` raises, nothing."""
        ...

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """The content in chunks of a megabyte at most or so. Raises NotFound before the first of them."""
        ...

    async def delete(self, key: str) -> None:
        """Forget the content; what is not there is forgotten already."""
        ...
