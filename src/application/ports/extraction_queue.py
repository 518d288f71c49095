"""Telling workers that runs wait. Which ones stands in the store: a word that is lost is said again."""

from __future__ import annotations

from typing import Protocol


class ExtractionQueue(Protocol):
    """A queue of its own, so that runs never stand before replies."""

    async def wake(self, workers: int) -> None:
        """Let up to so many workers look. Raises Unavailable."""
        ...
