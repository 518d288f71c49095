"""The real time, real ids and real chance."""

from __future__ import annotations

import asyncio
import os
import random
import time
from datetime import UTC, datetime
from uuid import UUID


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time in UTC; see the port."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; see the port."""
        await asyncio.sleep(seconds)


class RandomIds:
    """Ids of version 7 (RFC 9562): 60 bits of time, to a quarter of a microsecond, then chance.

    Milliseconds alone would not do: the messages of one batch share their `created_at`, and lists put them in
    order by their ids.
    """

    def new(self) -> UUID:
        """A new id; see the port."""
        milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
        fraction = nanoseconds * 4096 // 1_000_000
        chance = int.from_bytes(os.urandom(8), "big") >> 2
        return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | chance)

    def fraction(self) -> float:
        """A number in [0, 1); see the port."""
        return random.random()  # noqa: S311 - it spreads waiting, it guards nothing
