"""Alerts in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.alerts import Watched
from domain.alert_deliveries import AlertEvent
from domain.alert_rules import Limits
from domain.monitoring import Alert, AlertKind, AlertState
from tests.fakes.alert_looks import MemoryLooks
from tests.fakes.clock import CountingIds
from tests.fakes.memory_store import MemoryStore
from tests.fakes.pages import page_of


class MemoryAlerts:
    """All alerts; those of a user that is gone are gone too. Each call is whole: nothing is awaited inside."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._ids = CountingIds()
        self._alerts = store.alerts
        self._looks = MemoryLooks(store)

    async def raise_alert(self, kind: AlertKind, subject: str, user_id: UUID | None, detail: str) -> bool:
        if user_id is None and kind is AlertKind.QUEUE_OVERFLOW:
            user_id = self._owner_of_number(subject)
        return self._raised(kind, subject, user_id, detail)

    def _owner_of_number(self, subject: str) -> UUID | None:
        numbers = self._store.phone_numbers.values()
        return next((number.user_id for number in numbers if str(number.id) == subject), None)

    async def resolve(self, kind: AlertKind, subject: str) -> bool:
        return self._resolved(kind, subject)

    async def list(self, user_id: UUID | None, state: AlertState | None, page: PageRequest) -> Page[Alert]:
        own = [alert for alert in self._all() if user_id in {None, alert.user_id}]
        return page_of([alert for alert in own if state in {None, _state(alert)}], page)

    async def watch(self, kind: AlertKind, limits: Limits) -> Watched:
        opened = [one for one in self._all() if one.kind is kind and one.resolved_at is None]
        due, over = self._looks.at(kind, limits, opened)
        return self._watched(kind, due, over)

    async def watch_models(self, shutdown_dates: Mapping[str, date], set_models: Mapping[str, str]) -> Watched:
        due: dict[str, UUID | None] = {name: None for name, model in set_models.items() if model in shutdown_dates}
        due |= self._looks.models(shutdown_dates)
        over = [subject for subject in self._open_subjects(AlertKind.MODEL_ENDING) if subject not in due]
        return self._watched(AlertKind.MODEL_ENDING, due, over)

    def _watched(self, kind: AlertKind, due: Mapping[str, UUID | None], over: Collection[str]) -> Watched:
        new = [subject for subject in due if subject not in self._open_subjects(kind)]
        for subject in new:
            self._raised(kind, subject, due[subject], "")
        return Watched(len(new), sum([self._resolved(kind, subject) for subject in over]))

    def _raised(self, kind: AlertKind, subject: str, user_id: UUID | None, detail: str) -> bool:
        if user_id is not None:
            self._store.must_have_user(user_id)
        now = self._store.clock.now()
        alert = self._open(kind, subject)
        if alert is None:
            alert = Alert(self._ids.new(), user_id, kind, subject, detail, now, now, None, 0)
        self._alerts[alert.id] = replace(alert, detail=detail, last_seen_at=now, times=alert.times + 1)
        if alert.times == 0:
            self._store.note_alert(alert.id, AlertEvent.OPENED)
        return alert.times == 0

    def _resolved(self, kind: AlertKind, subject: str) -> bool:
        if alert := self._open(kind, subject):
            self._alerts[alert.id] = replace(alert, resolved_at=self._store.clock.now())
            self._store.note_alert(alert.id, AlertEvent.RESOLVED)
        return alert is not None

    def _all(self) -> list[Alert]:
        return [alert for alert in self._alerts.values() if alert.user_id in {None, *self._store.users}]

    def _open(self, kind: AlertKind, subject: str) -> Alert | None:
        named = (one for one in self._all() if (one.kind, one.subject, one.resolved_at) == (kind, subject, None))
        return next(named, None)

    def _open_subjects(self, kind: AlertKind) -> list[str]:
        return [one.subject for one in self._all() if one.kind is kind and one.resolved_at is None]


def _state(alert: Alert) -> AlertState:
    return AlertState.OPEN if alert.resolved_at is None else AlertState.RESOLVED
