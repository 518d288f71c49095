"""Time that passes only when it is told to, and ids that can be foretold."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

MONDAY_MORNING = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)


class FrozenClock:
    """Stands still until it is advanced; sleeping advances it at once, and lets others go on."""

    def __init__(self, now: datetime = MONDAY_MORNING) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)


class CountingIds:
    """Ids of version 7 that count from one, so that they sort as they were given; `chance` is every fraction."""

    def __init__(self, chance: float = 0.5) -> None:
        self.chance = chance
        self._given = 0

    def new(self) -> UUID:
        self._given += 1
        return UUID(int=0x7 << 76 | 0x2 << 62 | self._given)

    def fraction(self) -> float:
        return self.chance
