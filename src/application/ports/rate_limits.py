"""How often somebody may do something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a minute on the long run, `burst` of them at once."""

    per_minute: float
    burst: int


class RateLimits(Protocol):
    """Counts over all processes. It may forget at any time, and out of reach it allows everything."""

    async def wait_seconds(self, name: str, rate: Rate) -> float:
        """0 when `name` may do it now, which is counted; otherwise how long it has to wait. Never raises."""
        ...
