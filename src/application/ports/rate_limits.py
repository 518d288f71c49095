"""How often somebody may do something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a minute on the long run, `burst` of them at once."""

    per_minute: float
    burst: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What became of one try: done when `wait_seconds` is 0, else to be tried again after it.

    `left` more may follow at once; after `full_seconds` of quiet the whole burst may.
    """

    wait_seconds: float
    left: int
    full_seconds: float


class RateLimits(Protocol):
    """Counts over all processes. It may forget at any time, and out of reach it allows everything."""

    async def take(self, name: str, rate: Rate) -> Allowance:
        """Let `name` do it once more, which is counted, or tell how long it has to wait. Never raises."""
        ...
