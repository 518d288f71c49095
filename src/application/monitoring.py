"""Is everything there, and is anything left lying?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from application.alerting import Overflow
from application.channels.accept_webhook import admit_stored
from application.ports.alerts import Alerts, Watched
from application.ports.clock import Clock
from application.ports.credits import Credits
from application.ports.inbox import Inbox
from application.ports.model_catalogue import ModelCatalogue
from application.ports.probes import Probe
from application.ports.turn_queue import TurnQueue
from application.ports.turns import Turns, WaitingFilter
from application.requeue import REQUEUE_BATCH, requeue
from domain.alert_rules import Rule, rules
from domain.credits import BLOCKED_HOURS_MAX
from domain.shared import Unavailable

SWEEP_AGE_SECONDS = 2.0
"""How long a message may wait unclaimed before the sweeper feeds it again: longer than any healthy hand-over."""
EXPIRY_BATCH = 1_000
EARLY_RECEIPTS_DAYS = 8.0
"""How long a receipt may wait for its message: the platforms deliver theirs again for seven days."""
MODELS_SECONDS = 24 * 3_600.0
"""How often the provider is asked when its models end: it announces that months before."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: `requeued` conversations, `claimed` messages whose phone number is known by now."""

    requeued: int
    claimed: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """Feeds the queues with what they lost and what dead workers held. Two at once do no harm."""

    turns: Turns
    inbox: Inbox
    queue: TurnQueue
    overflow: Overflow

    async def __call__(self) -> Swept:
        """One round. Raises Unavailable when the store is out of reach."""
        claimed = await self.inbox.claim_unclaimed(REQUEUE_BATCH)
        await admit_stored(self.queue, claimed)
        fed = await requeue(self.turns, self.queue, WaitingFilter(older_than_seconds=SWEEP_AGE_SECONDS))
        if fed.full is not None:
            await self.overflow.noticed(fed.full)
        return Swept(fed.conversations, len(claimed))


@dataclass(frozen=True, slots=True)
class Noticed:
    """What a look around changed: alerts `opened` and `resolved`, and blocked messages that have `expired`."""

    opened: int = 0
    resolved: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """Gives up what has waited too long, and keeps alerts in step with what is wrong. Two at once do no harm."""

    alerts: Alerts
    credits: Credits
    inbox: Inbox
    rules: Sequence[Rule] = field(default_factory=rules)
    blocked_hours_max: float = BLOCKED_HOURS_MAX

    async def __call__(self) -> Noticed:
        """One round. Raises Unavailable when the store is out of reach."""
        # Alerts first: who has blocked messages is to be told, even when they are given up in this round.
        looks = [await self.alerts.watch(rule.kind, rule.limits) for rule in self.rules if rule.limits is not None]
        expired = await self.credits.expire_blocked(self.blocked_hours_max, EXPIRY_BATCH)
        await self.inbox.heed_early_receipts(EARLY_RECEIPTS_DAYS)
        return Noticed(sum(one.opened for one in looks), sum(one.resolved for one in looks), expired)


@dataclass(slots=True)
class WatchModels:
    """Asks once a day when models end, and looks for prompts in use and settings that name one of them."""

    alerts: Alerts
    catalogue: ModelCatalogue
    clock: Clock
    set_models: Mapping[str, str] = field(default_factory=dict)
    shutdown_dates: Mapping[str, date] = field(default_factory=dict)
    asked_at: datetime | None = None

    async def __call__(self) -> Watched:
        """One look. Raises Unavailable when the store or the provider is out of reach."""
        now = self.clock.now()
        if self.asked_at is None or now - self.asked_at >= timedelta(seconds=MODELS_SECONDS):
            self.shutdown_dates = await self.catalogue.shutdown_dates()
            self.asked_at = now
        return await self.alerts.watch_models(self.shutdown_dates, self.set_models)


@dataclass(frozen=True, slots=True)
class Health:
    """What each dependency said: None when it is well, the reason otherwise."""

    dependencies: Mapping[str, str | None]
    unclaimed_messages: int | None

    @property
    def is_ready(self) -> bool:
        """Whether everything is well."""
        return not any(self.dependencies.values())


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """Asks the dependencies, one after the other; each probe has its own time limit."""

    probes: Sequence[Probe]
    inbox: Inbox

    async def __call__(self) -> Health:
        """How everything is. Never raises: what is out of reach is part of the answer."""
        dependencies = {probe.name: await _reason(probe) for probe in self.probes}
        try:
            unclaimed: int | None = await self.inbox.unclaimed()
        except Unavailable:
            unclaimed = None
        return Health(dependencies, unclaimed)


async def _reason(probe: Probe) -> str | None:
    try:
        await probe.check()
    except Unavailable as error:
        return str(error)
    return None
