"""How often somebody may do something, counted in memory."""

from __future__ import annotations

from datetime import datetime, timedelta

from application.ports.clock import Clock
from application.ports.rate_limits import Rate
from tests.fakes.clock import FrozenClock


class MemoryRateLimits:
    """For each name, until when it has paid. While it `is_down` everything is allowed."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FrozenClock()
        self._paid: dict[str, datetime] = {}
        self.is_down = False

    async def wait_seconds(self, name: str, rate: Rate) -> float:
        if self.is_down:
            return 0.0
        now, cost = self._clock.now(), timedelta(minutes=1 / rate.per_minute)
        paid = max(self._paid.get(name, now), now) + cost
        wait = (paid - now - cost * rate.burst).total_seconds()
        if wait > 0:
            return wait
        self._paid[name] = paid
        return 0.0
