"""Telling people what is wrong, in passing: nothing that was under way may fail because of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from application.ports.alerts import Alerts
from application.ports.clock import Clock
from domain.breaker import Breaker
from domain.monitoring import AlertKind
from domain.shared import DomainError

OVERFLOW_SECONDS = 10.0
"""How often a process reports the same full queue: each webhook would otherwise wait for the same row."""


async def raise_quietly(alerts: Alerts, kind: AlertKind, subject: str, user_id: UUID | None, detail: str) -> None:
    """Report a cause; when the store is out of reach, or the user gone, nobody hears of it."""
    try:
        await alerts.raise_alert(kind, subject, user_id, detail)
    except DomainError:
        return


async def resolve_quietly(alerts: Alerts, kind: AlertKind, subject: str) -> None:
    """Report that a cause has ended, or say nothing."""
    try:
        await alerts.resolve(kind, subject)
    except DomainError:
        return


@dataclass(frozen=True, slots=True)
class Overflow:
    """Full queues: an alert for each phone number, which a look around ends when there is room again."""

    alerts: Alerts
    clock: Clock
    reported: dict[UUID, datetime] = field(default_factory=dict)

    async def noticed(self, full: Collection[UUID]) -> None:
        """Report these phone numbers, each only so often."""
        now = self.clock.now()
        for number in [number for number in full if self.reported.get(number, now) <= now]:
            self.reported[number] = now + timedelta(seconds=OVERFLOW_SECONDS)
            detail = "The queue is full: further messages wait in the store."
            await raise_quietly(self.alerts, AlertKind.QUEUE_OVERFLOW, str(number), None, detail)


@dataclass(slots=True)
class ProviderWatch:
    """A breaker that tells people when it opens and closes. `is_well` is what they were told last, by this process.

    The first success of a process counts as an end too: the one that reported the outage may be gone.
    """

    provider: str
    alerts: Alerts
    clock: Clock
    breaker: Breaker = field(default_factory=Breaker)
    is_well: bool | None = None

    def wait_seconds(self) -> float:
        """How long a call has to wait; see the breaker."""
        return self.breaker.wait_seconds(self.clock.now())

    async def note(self, *, failed: bool) -> None:
        """Note how a call ended."""
        if failed:
            self.breaker.failed(self.clock.now())
        else:
            self.breaker.succeeded()
        if failed and self.breaker.is_open and self.is_well is not False:
            self.is_well = False
            detail = "Calls keep failing: turns wait until it answers again."
            await raise_quietly(self.alerts, AlertKind.PROVIDER_OUTAGE, self.provider, None, detail)
        elif not failed and self.is_well is not True:
            self.is_well = True
            await resolve_quietly(self.alerts, AlertKind.PROVIDER_OUTAGE, self.provider)
