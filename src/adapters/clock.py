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
    """Ids of version 7 (RFC 9562): 48 bits of Unix milliseconds, then chance, so that they sort by time."""

    def new(self) -> UUID:
        """A new id; see the port."""
        value = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
        return UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62)

    def fraction(self) -> float:
        """A number in [0, 1); see the port."""
        return random.random()  # noqa: S311 - it spreads waiting, it guards nothing
