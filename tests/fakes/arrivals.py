"""Echoes, changes, moves and notices in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from application.ports.clock import Ids
from application.ports.inbox import ChangeOutcome, EchoOutcome
from domain.channels import Change, Echo, Move, Notice, PhoneNumber
from domain.conversations import Conversation, InboundStatus, Message, OutboundStatus, PauseReason, UnansweredReason
from domain.notices import KeptNotice
from tests.fakes.customers import WAITING, MemoryCustomers
from tests.fakes.memory_store import MemoryStore

UNDER_WAY = (OutboundStatus.SENDING, OutboundStatus.PENDING, OutboundStatus.UNKNOWN)


class MemoryArrivals:
    """What arrives beside messages and receipts."""

    def __init__(self, store: MemoryStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._customers = MemoryCustomers(store)

    def echo(self, echo: Echo, number: PhoneNumber | None) -> tuple[EchoOutcome, UUID | None]:
        if number is None:
            return EchoOutcome.UNCLAIMED, None
        if self._store.message_named(number.id, echo.platform_message_id):
            return EchoOutcome.KNOWN, None
        new_id = None if echo.is_ours else self._ids.new()
        customer_id = self._customers.meet(number, (echo.address, *echo.aliases), new_id)
        ours = self._sent_as(echo, number, customer_id)
        if ours or echo.is_ours or customer_id is None:
            return EchoOutcome.OURS, ours and ours.id
        conversation = self._store.conversation_of(number, self._store.customers[customer_id], self._ids)
        self._keep_reply(echo, conversation)
        self._pause(conversation)
        for waiting in self._store.messages_of(conversation.id):
            asked_before = self._store.written_times.get(waiting.id, echo.written_at) <= echo.written_at
            if waiting.status in WAITING and waiting.turn_id is None and asked_before:
                self._give_up(waiting, UnansweredReason.HUMAN_ANSWERED)
        return EchoOutcome.HUMAN, None

    def _sent_as(self, echo: Echo, number: PhoneNumber, customer_id: UUID | None) -> Message | None:
        if echo.is_ours is False or echo.text is None:
            return None
        own = {
            row.id
            for row in self._store.conversations.values()
            if (row.phone_number_id, row.customer.id) == (number.id, customer_id)
        }
        candidates = [
            message
            for message in self._store.messages.values()
            if message.conversation_id in own
            and message.direction == "outbound"
            and message.turn_id is not None
            and message.status in UNDER_WAY
            and message.platform_message_id is None
            and (message.text or "").strip(" ") == echo.text.strip(" ")
        ]
        candidates.sort(key=lambda message: message.sequence_number)
        candidates.sort(key=lambda message: (message.status == "sending", message.created_at), reverse=True)
        return candidates[0] if candidates else None

    def _keep_reply(self, echo: Echo, conversation: Conversation) -> None:
        now = self._store.clock.now()
        count = conversation.message_count + 1
        reply = Message(
            id=self._ids.new(),
            conversation_id=conversation.id,
            phone_number_id=conversation.phone_number_id,
            sequence_number=count,
            direction="outbound",
            author="human",
            type=echo.type,
            text=echo.text,
            status=OutboundStatus.SENT,
            reason=None,
            platform_message_id=echo.platform_message_id,
            turn_id=None,
            error=None,
            created_at=now,
        )
        self._store.messages[reply.id] = reply
        self._store.conversations[conversation.id] = replace(conversation, message_count=count, last_activity_at=now)
        before = self._store.human_replies.get(conversation.id, echo.written_at)
        self._store.human_replies[conversation.id] = max(before, echo.written_at)

    def _pause(self, conversation: Conversation) -> None:
        minutes = self._store.settings_of(conversation.phone_number_id).human_pause_minutes
        until = self._store.clock.now() + timedelta(minutes=minutes)
        before = self._store.conversations[conversation.id]
        if minutes and not (self._store.is_paused(before.id) and (before.paused_until or until) >= until):
            self._store.conversations[conversation.id] = replace(
                before, paused_until=until, paused_reason=PauseReason.HUMAN_REPLIED
            )

    def silence(self, conversation_id: UUID) -> None:
        """The customer has said STOP: what waits is not answered any more."""
        for waiting in self._store.messages_of(conversation_id):
            if waiting.status in WAITING and waiting.turn_id is None:
                self._give_up(waiting, UnansweredReason.OPTED_OUT)

    def _give_up(self, message: Message, reason: UnansweredReason) -> None:
        given_up = replace(message, status=InboundStatus.UNANSWERABLE, reason=reason)
        self._store.messages[message.id] = given_up

    def change(self, change: Change, number: PhoneNumber | None) -> ChangeOutcome:
        message = number and self._store.message_named(number.id, change.platform_message_id)
        if not message:
            key = (change.channel, change.account, change.platform_message_id)
            before = self._store.early_changes.get(key)
            if before and not _is_later(change, before):
                return ChangeOutcome.OLD
            self._store.early_changes[key] = change
            return ChangeOutcome.EARLY
        if message.direction != "inbound":
            return ChangeOutcome.UNKNOWN
        return self._apply(change, message)

    def _apply(self, change: Change, message: Message) -> ChangeOutcome:
        before = self._store.changes.get(message.id)
        if before and not _is_later(change, before):
            return ChangeOutcome.OLD
        self._store.changes[message.id] = change
        content = self._store.contents.pop(message.id, None) or {}
        changed = replace(message, text=change.text)
        if change.text is not None:
            self._store.contents[message.id] = content | {"edited_at": change.at.isoformat()}
        else:
            self._store.contents[message.id] = {"taken_back_at": change.at.isoformat()}
            self._store.sent_media.pop(message.id, None)
            if message.status in WAITING and message.turn_id is None:
                changed = replace(changed, status=InboundStatus.UNANSWERABLE, reason=UnansweredReason.TAKEN_BACK)
        self._store.messages[message.id] = changed
        return ChangeOutcome.APPLIED

    def apply_early(self, message: Message, key: tuple[str, str, str]) -> None:
        if change := self._store.early_changes.pop(key, None):
            self._apply(change, message)

    def move(self, move: Move, number: PhoneNumber | None) -> bool:
        customer_id = number and self._customers.meet(number, (move.after, move.before), None)
        if not customer_id:
            return False
        customer = self._store.customers[customer_id]
        if customer.address == move.before and self._store.address_times.get(customer_id, move.at) <= move.at:
            self._store.customers[customer_id] = replace(customer, address=move.after)
            self._store.address_times[customer_id] = move.at
        return True

    def keep(self, notices: Sequence[Notice]) -> int:
        return sum(self._keep_notice(notice) for notice in notices)

    def _keep_notice(self, notice: Notice) -> bool:
        name = json.dumps(
            [notice.channel, notice.account, notice.business, notice.field, notice.content], sort_keys=True
        )
        if name in self._store.notices:
            return False
        kept = KeptNotice(
            self._ids.new(),
            notice.channel,
            notice.account,
            notice.business,
            notice.field,
            notice.content,
            notice.at,
            self._store.clock.now(),
        )
        self._store.notices[name] = kept
        return True


def _is_later(change: Change, before: Change) -> bool:
    if before.text is None or change.text is None:
        return before.text is not None
    return (change.at, change.text) > (before.at, before.text)
