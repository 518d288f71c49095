"""The quick duplicate filter in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from application.ports.clock import Clock
from tests.fakes.clock import FrozenClock


class MemoryDuplicateFilter:
    """Marks last `seconds`. While `is_down` it knows nothing and remembers nothing."""

    def __init__(self, clock: Clock | None = None, seconds: float = 5) -> None:
        self._clock = clock or FrozenClock()
        self._lasts = timedelta(seconds=seconds)
        self._ends: dict[str, datetime] = {}
        self.is_down = False

    async def known(self, names: Sequence[str]) -> Sequence[bool]:
        now = self._clock.now()
        return [not self.is_down and self._ends.get(name, now) > now for name in names]

    async def remember(self, names: Sequence[str]) -> None:
        if not self.is_down:
            self._ends |= dict.fromkeys(names, self._clock.now() + self._lasts)
