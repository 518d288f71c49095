"""The quick filter for what the platforms deliver twice in a row. The store's unique index is the one that counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class DuplicateFilter(Protocol):
    """Remembers for a few seconds. It may forget at any time, and when it is out of reach it knows nothing."""

    async def known(self, names: Sequence[str]) -> Sequence[bool]:
        """Whether each name was remembered within the last seconds. Never raises."""
        ...

    async def remember(self, names: Sequence[str]) -> None:
        """Remember the names: only what is committed, or a redelivery after a failure would be lost. Never raises."""
        ...
