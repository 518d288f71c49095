"""How often somebody may do something, counted in memory."""

from __future__ import annotations

from datetime import datetime, timedelta

from application.ports.clock import Clock
from application.ports.rate_limits import Allowance, Rate
from tests.fakes.clock import FrozenClock


class MemoryRateLimits:
    """For each name, until when it has paid. While it `is_down` everything is allowed."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FrozenClock()
        self._paid: dict[str, datetime] = {}
        self.is_down = False

    async def take(self, name: str, rate: Rate) -> Allowance:
        if self.is_down:
            return Allowance(0.0, rate.burst, 0.0)
        now, cost = self._clock.now(), timedelta(minutes=1 / rate.per_minute)
        paid = max(self._paid.get(name, now), now)
        wait = (paid + cost - now - cost * rate.burst).total_seconds()
        if wait > 0:
            return Allowance(wait, 0, (paid - now).total_seconds())
        self._paid[name] = paid + cost
        owed = paid + cost - now
        return Allowance(0.0, int((cost * rate.burst - owed) / cost + 1e-6), owed.total_seconds())
