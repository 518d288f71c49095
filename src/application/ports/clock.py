"""Time, ids and chance: what a pure function may not make up itself."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """The time in UTC, with its zone."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class Ids(Protocol):
    """Names for new things, and the chance that spreads waiting."""

    def new(self) -> UUID:
        """An id nobody has: version 7, so that ids sort by their time."""
        ...

    def fraction(self) -> float:
        """A number in [0, 1)."""
        ...
