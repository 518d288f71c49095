"""What is wrong now, in memory: for each kind, who is due to be told of what, and what is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from domain.alert_rules import Limits
from domain.channels import ChannelStatus, PhoneNumber
from domain.conversations import (
    ConversationStatus,
    InboundStatus,
    Message,
    OutboundStatus,
    PauseReason,
    TurnStatus,
)
from domain.credits import TURN_PRICE
from domain.monitoring import Alert, AlertKind
from domain.notices import LIFTING, RESTRICTING
from tests.fakes.channel_health import is_of
from tests.fakes.memory_store import MemoryStore

Due = Mapping[str, UUID | None]
Look = tuple[Due, Collection[str]]
FIELDS = {"account_update", "phone_number_quality_update"}
TAKEN = {OutboundStatus.SENT, OutboundStatus.DELIVERED, OutboundStatus.READ}


class MemoryLooks:
    """Over the store, as it is."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def at(self, kind: AlertKind, limits: Limits, opened: Sequence[Alert]) -> Look:
        """What is due and what is over of that kind, whose open alerts these are."""
        looks = {
            AlertKind.SEND_UNDECIDED: self._sends,
            AlertKind.CREDITS_EXHAUSTED: self._credits,
            AlertKind.LOW_BALANCE: self._balances,
            AlertKind.MESSAGE_SET_ASIDE: self._set_aside,
            AlertKind.REQUEST_REFUSED: self._refused,
            AlertKind.ACCESS_REFUSED: self._of_number,
            AlertKind.CHANNEL_PARKED: self._of_number,
            AlertKind.AUTO_REPLIER: self._auto_repliers,
            AlertKind.QUEUE_FILLING: self._filling,
            AlertKind.QUEUE_OVERFLOW: self._overflow,
            AlertKind.REPLY_OVERDUE: self._overdue,
            AlertKind.WORKER_SILENT: self._silent,
            AlertKind.WORKERS_GONE: self._gone,
            AlertKind.CHANNEL_RESTRICTED: self._restricted,
            AlertKind.TOKEN_ENDING: self._tokens,
        }
        return looks[kind](limits, opened)

    def models(self, shutdown_dates: Mapping[str, date]) -> Due:
        """The prompts in use whose model ends."""
        due: dict[str, UUID | None] = {}
        for agent in self._store.agents.values():
            versions = self._store.prompts.get(agent.prompt_id, [])
            if agent.phone_number_id is None or not versions:
                continue
            spoken = versions[(agent.prompt_version or len(versions)) - 1]
            if spoken.voice.model in shutdown_dates:
                due[spoken.id] = spoken.user_id
        return due

    def _sends(self, limits: Limits, opened: Sequence[Alert]) -> Look:
        """The fake counts from when a reply was written; the adapter from when its turn became undecided."""
        until = self._ago(seconds=limits.opens_at)
        undecided = [one for one in self._store.messages.values() if self._is_undecided(one)]
        due = {str(one.id): self._store.owner_of(one) for one in undecided if one.created_at <= until}
        return due, _others(opened, {str(one.id) for one in undecided})

    def _is_undecided(self, message: Message) -> bool:
        turn = self._store.turns.get(message.turn_id) if message.turn_id else None
        return message.status == OutboundStatus.UNKNOWN and turn is not None and turn.status is TurnStatus.UNDECIDED

    def _credits(self, _limits: Limits, opened: Sequence[Alert]) -> Look:
        blocked = [one for one in self._store.messages.values() if one.status == InboundStatus.BLOCKED]
        due = {str(self._store.owner_of(one)): self._store.owner_of(one) for one in blocked}
        rich = [subject for subject in _others(opened, due) if self._available(UUID(subject)) >= TURN_PRICE]
        return due, rich

    def _balances(self, _limits: Limits, opened: Sequence[Alert]) -> Look:
        watched = {
            user.id: (user.low_balance_threshold, self._available(user.id))
            for user in self._store.users.values()
            if user.low_balance_threshold is not None
        }
        due = {str(user): user for user, (threshold, available) in watched.items() if available < threshold}
        low = {str(user) for user, (threshold, available) in watched.items() if available <= threshold}
        return due, _others(opened, low)

    def _available(self, user_id: UUID) -> int:
        return self._store.accounts[user_id].available

    def _set_aside(self, limits: Limits, opened: Sequence[Alert]) -> Look:
        until = self._ago(days=limits.ends_at)
        return {}, [one.subject for one in opened if one.opened_at <= until or self._is_behind(UUID(one.subject))]

    def _is_behind(self, message_id: UUID) -> bool:
        """Whether the message is gone, or the conversation has gone on."""
        message = self._store.messages.get(message_id)
        return message is None or any(
            later.sequence_number > message.sequence_number and later.status == InboundStatus.ANSWERED
            for later in self._store.messages_of(message.conversation_id)
        )

    def _refused(self, limits: Limits, opened: Sequence[Alert]) -> Look:
        until = self._ago(days=limits.ends_at)
        return {}, [one.subject for one in opened if one.last_seen_at <= until or self._is_taken_since(one)]

    def _is_taken_since(self, alert: Alert) -> bool:
        """Whether the phone number is gone, or something was taken from it since."""
        number = UUID(alert.subject)
        return number not in self._store.phone_numbers or any(
            one.phone_number_id == number and one.status in TAKEN and one.created_at > alert.last_seen_at
            for one in self._store.messages.values()
            if one.author == "agent"
        )

    def _of_number(self, _limits: Limits, opened: Sequence[Alert]) -> Look:
        return {}, _others(opened, {str(number) for number in self._store.phone_numbers})

    def _auto_repliers(self, _limits: Limits, opened: Sequence[Alert]) -> Look:
        paused = [one for one in self._store.conversations.values() if one.paused_reason == PauseReason.AUTO_REPLIER]
        return {}, _others(opened, {str(one.id) for one in paused if one.status is ConversationStatus.ACTIVE})

    def _filling(self, limits: Limits, opened: Sequence[Alert]) -> Look:
        depths = {subject: len(waiting) for subject, waiting in self._backlog().items()}
        due = self._owned(subject for subject, depth in depths.items() if depth >= limits.opens_at)
        return due, _others(opened, {subject for subject, depth in depths.items() if depth >= limits.ends_at})

    def _overflow(self, limits: Limits, opened: Sequence[Alert]) -> Look:
        return {}, self._filling(limits, opened)[1]

    def _overdue(self, limits: Limits, opened: Sequence[Alert]) -> Look:
        since = {subject: min(waiting.values()) for subject, waiting in self._backlog().items()}
        due = self._owned(subject for subject, at in since.items() if at <= self._ago(seconds=limits.opens_at))
        late = {subject for subject, at in since.items() if at < self._ago(seconds=limits.ends_at)}
        return due, _others(opened, late)

    def _backlog(self) -> Mapping[str, Mapping[UUID, datetime]]:
        """For each phone number, which conversations wait or are worked on, and since when."""
        waiting: dict[str, dict[UUID, datetime]] = {}
        for message in self._store.messages.values():
            if message.status == InboundStatus.RECEIVED and message.turn_id is None and self._is_ours(message):
                own = waiting.setdefault(str(message.phone_number_id), {})
                own[message.conversation_id] = min(
                    own.get(message.conversation_id, message.created_at), message.created_at
                )
        for turn in self._store.turns.values():
            if turn.status is TurnStatus.OPEN:
                own = waiting.setdefault(str(turn.phone_number_id), {})
                own[turn.conversation_id] = min(own.get(turn.conversation_id, turn.begun_at), turn.begun_at)
        return {subject: own for subject, own in waiting.items() if self._is_active(subject)}

    def _is_ours(self, message: Message) -> bool:
        conversation = self._store.conversations[message.conversation_id]
        is_active = conversation.status is ConversationStatus.ACTIVE and conversation.agent_id is not None
        return is_active and not self._store.is_paused(conversation.id)

    def _is_active(self, subject: str) -> bool:
        number = self._store.phone_numbers.get(UUID(subject))
        return number is not None and number.status is ChannelStatus.ACTIVE

    def _owned(self, numbers: Iterable[str]) -> Due:
        return {subject: self._store.phone_numbers[UUID(subject)].user_id for subject in numbers}

    def _silent(self, limits: Limits, opened: Sequence[Alert]) -> Look:
        now = self._store.clock.now()
        silent = {str(id_): (now - until).total_seconds() for id_, until in self._store.workers.items()}
        due = {id_: None for id_, seconds in silent.items() if limits.opens_at <= seconds < limits.ends_at}
        return due, _others(opened, {id_ for id_, seconds in silent.items() if 0 < seconds < limits.ends_at})

    def _gone(self, limits: Limits, opened: Sequence[Alert]) -> Look:
        is_alive = any(until > self._store.clock.now() for until in self._store.workers.values())
        if is_alive:
            return {}, _others(opened, ())
        waits = self._overdue(limits, ())[0]
        return ({"workers": None} if waits else {}), ()

    def _restricted(self, _limits: Limits, opened: Sequence[Alert]) -> Look:
        restricted = [number for number in self._store.phone_numbers.values() if self._is_restricted(number)]
        due = {str(number.id): number.user_id for number in restricted}
        return due, _others(opened, due)

    def _is_restricted(self, number: PhoneNumber) -> bool:
        last: dict[str, str] = {}
        told = [one for one in self._store.notices.values() if one.field in FIELDS and is_of(self._store, one, number)]
        for notice in sorted(told, key=lambda one: one.occurred_at):
            word = notice.content.get("ban_info", {}).get("waba_ban_state") or notice.content.get("event")
            ends = [one["expiration"] for one in notice.content.get("restriction_info", [])]
            if word in RESTRICTING + LIFTING:
                is_over = bool(ends) and max(ends) <= self._store.clock.now().timestamp()
                last[notice.field] = LIFTING[0] if is_over else word
        return any(word in RESTRICTING for word in last.values())

    def _tokens(self, limits: Limits, opened: Sequence[Alert]) -> Look:
        now = self._store.clock.now()
        left = {
            str(number.id): number.token_expires_at - now
            for number in self._store.phone_numbers.values()
            if number.token_expires_at is not None and number.status is not ChannelStatus.UNAUTHORIZED
        }
        due = self._owned(subject for subject, rest in left.items() if rest <= timedelta(days=limits.opens_at))
        short = {subject for subject, rest in left.items() if rest < timedelta(days=limits.ends_at)}
        return due, _others(opened, short)

    def _ago(self, **span: float) -> datetime:
        return self._store.clock.now() - timedelta(**span)


def _others(opened: Sequence[Alert], still: Collection[str]) -> Collection[str]:
    """The open ones whose cause is no more."""
    return [one.subject for one in opened if one.subject not in still]
