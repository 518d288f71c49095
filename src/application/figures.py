"""The figures of the last hour, for people who look at them all the time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from application.ports.clock import Clock
from application.ports.figures import Figures, WorkerSeen
from domain.figures import MINUTES_SHOWN, MinuteFigures, whole_hour
from domain.users import Caller

FRESH_MINUTES = 2
"""Only so many minutes back anything changes: a turn that ends does so now, by a clock that may differ a little."""
KEPT_MAX = 64
"""How many users' hours a process keeps at hand."""


@dataclass(slots=True)
class _Hour:
    read_at: datetime
    minutes: dict[datetime, MinuteFigures]


@dataclass(frozen=True, slots=True)
class ReadFigures:
    """Reads an hour once, and then only its end: looking every second costs what a few minutes hold."""

    figures: Figures
    clock: Clock
    _hours: OrderedDict[UUID | None, _Hour] = field(default_factory=OrderedDict)

    async def of_user(self, caller: Caller, user_id: UUID) -> Sequence[MinuteFigures]:
        """The user's last hour, minute by minute. Raises NotFound."""
        caller.must_read(user_id)
        return await self._hour(user_id)

    async def of_all(self, caller: Caller) -> Sequence[MinuteFigures]:
        """Everyone's last hour together. Raises Forbidden."""
        caller.must_be_admin()
        return await self._hour(None)

    async def workers(self, caller: Caller) -> Sequence[WorkerSeen]:
        """Who is at work. Raises Forbidden."""
        caller.must_be_admin()
        return await self.figures.workers()

    async def _hour(self, user_id: UUID | None) -> Sequence[MinuteFigures]:
        now = self.clock.now()
        kept = self._hours.get(user_id)
        is_near = kept is not None and now - kept.read_at < timedelta(minutes=FRESH_MINUTES - 1)
        read = await self.figures.minutes(user_id, FRESH_MINUTES if is_near else MINUTES_SHOWN)
        minutes = (kept.minutes if kept and is_near else {}) | {one.minute: one for one in read}
        shown = whole_hour(minutes, now)
        self._keep(user_id, _Hour(now, {one.minute: one for one in shown}))
        return shown

    def _keep(self, user_id: UUID | None, hour: _Hour) -> None:
        self._hours[user_id] = hour
        self._hours.move_to_end(user_id)
        if len(self._hours) > KEPT_MAX:
            self._hours.popitem(last=False)
