"""Alerts in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.alerts import Watched
from domain.conversations import InboundStatus, Message, OutboundStatus, TurnStatus
from domain.credits import TURN_PRICE
from domain.monitoring import Alert, AlertKind, AlertState
from tests.fakes.clock import CountingIds
from tests.fakes.memory_store import MemoryStore
from tests.fakes.pages import page_of


class MemoryAlerts:
    """All alerts; those of a user that is gone are gone too. Each call is whole: nothing is awaited inside."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._ids = CountingIds()
        self._alerts: dict[UUID, Alert] = {}

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

    async def watch_sends(self, undecided_seconds: float) -> Watched:
        """The fake counts from when a reply was written; the adapter from when its turn became undecided."""
        until = self._store.clock.now() - timedelta(seconds=undecided_seconds)
        undecided = [one for one in self._store.messages.values() if self._is_undecided(one)]
        due = {str(one.id): self._store.owner_of(one) for one in undecided if one.created_at <= until}
        wrong = {str(one.id) for one in undecided}
        over = [subject for subject in self._open_subjects(AlertKind.SEND_UNDECIDED) if subject not in wrong]
        return self._watched(AlertKind.SEND_UNDECIDED, due, over)

    def _is_undecided(self, message: Message) -> bool:
        turn = self._store.turns.get(message.turn_id) if message.turn_id else None
        return message.status == OutboundStatus.UNKNOWN and turn is not None and turn.status is TurnStatus.UNDECIDED

    async def watch_credits(self) -> Watched:
        blocked = [one for one in self._store.messages.values() if one.status == InboundStatus.BLOCKED]
        due = {str(self._store.owner_of(one)): self._store.owner_of(one) for one in blocked}
        over = [
            subject
            for subject in self._open_subjects(AlertKind.CREDITS_EXHAUSTED)
            if subject not in due and self._store.accounts[UUID(subject)].available >= TURN_PRICE
        ]
        return self._watched(AlertKind.CREDITS_EXHAUSTED, due, over)

    async def watch_set_aside(self, days_max: float) -> Watched:
        until = self._store.clock.now() - timedelta(days=days_max)
        opened = [one for one in self._all() if one.kind is AlertKind.MESSAGE_SET_ASIDE and one.resolved_at is None]
        over = [one.subject for one in opened if one.opened_at <= until or self._is_behind(UUID(one.subject))]
        return self._watched(AlertKind.MESSAGE_SET_ASIDE, {}, over)

    async def watch_refused(self, days_max: float) -> Watched:
        until = self._store.clock.now() - timedelta(days=days_max)
        opened = [one for one in self._all() if one.kind is AlertKind.REQUEST_REFUSED and one.resolved_at is None]
        over = [one.subject for one in opened if one.last_seen_at <= until or self._is_taken_since(one)]
        return self._watched(AlertKind.REQUEST_REFUSED, {}, over)

    def _is_taken_since(self, alert: Alert) -> bool:
        """Whether the phone number is gone, or something was taken from it since."""
        number = UUID(alert.subject)
        taken = {OutboundStatus.SENT, OutboundStatus.DELIVERED, OutboundStatus.READ}
        return number not in self._store.phone_numbers or any(
            one.phone_number_id == number and one.status in taken and one.created_at > alert.last_seen_at
            for one in self._store.messages.values()
            if one.author == "agent"
        )

    async def watch_balances(self) -> Watched:
        watched = {
            user.id: (user.low_balance_threshold, self._store.accounts[user.id].available)
            for user in self._store.users.values()
            if user.low_balance_threshold is not None
        }
        due = {str(user): user for user, (threshold, available) in watched.items() if available < threshold}
        low = {str(user) for user, (threshold, available) in watched.items() if available <= threshold}
        over = [subject for subject in self._open_subjects(AlertKind.LOW_BALANCE) if subject not in low]
        return self._watched(AlertKind.LOW_BALANCE, due, over)

    def _is_behind(self, message_id: UUID) -> bool:
        """Whether the message is gone, or the conversation has gone on."""
        message = self._store.messages.get(message_id)
        return message is None or any(
            later.sequence_number > message.sequence_number and later.status == InboundStatus.ANSWERED
            for later in self._store.messages_of(message.conversation_id)
        )

    def _watched(self, kind: AlertKind, due: Mapping[str, UUID], over: list[str]) -> Watched:
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
        return alert.times == 0

    def _resolved(self, kind: AlertKind, subject: str) -> bool:
        if alert := self._open(kind, subject):
            self._alerts[alert.id] = replace(alert, resolved_at=self._store.clock.now())
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
