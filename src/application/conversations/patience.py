"""Waiting inside a turn: how long until the next try, and how long the store's last word is good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from application.ports.clock import Clock, Ids
from domain.delivery import Deferred, backoff_seconds
from domain.pacing import deferral_seconds

FRESH_SECONDS = 2.0
"""How long the store's word that a turn is ours is good for a call that cannot be taken back."""


@dataclass(frozen=True, slots=True)
class Patience:
    """A clock, and chance that spreads waiting."""

    clock: Clock
    ids: Ids

    def now(self) -> datetime:
        """The time."""
        return self.clock.now()

    def is_fresh(self, confirmed_at: datetime) -> bool:
        """Whether what the store confirmed then may still be relied on."""
        return self.now() - confirmed_at <= timedelta(seconds=FRESH_SECONDS)

    def seconds_until(self, deadline: datetime) -> float:
        """How long that is away, negative when it is over."""
        return (deadline - self.now()).total_seconds()

    async def wait_or_reach(self, deadline: datetime, attempt: int, asked_seconds: float | None) -> None:
        """Wait longer with each attempt and never less than was asked for, but not beyond the deadline."""
        await self._sleep(backoff_seconds(attempt, self.ids.fraction(), asked_seconds), deadline)

    async def rest_or_reach(self, deadline: datetime, attempt: int, deferred: Deferred) -> None:
        """Wait as the platform's pace asks for, but not beyond the deadline."""
        await self._sleep(deferral_seconds(deferred, attempt, self.ids.fraction()), deadline)

    async def _sleep(self, seconds: float, deadline: datetime) -> None:
        await self.clock.sleep(min(seconds, max(0.0, self.seconds_until(deadline))))
