"""What arrives, kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from application.ports.clock import Ids
from application.ports.inbox import Acceptance, ChangeOutcome, EchoOutcome, ReceiptOutcome, Stored
from domain.channels import Change, Echo, InboundMessage, Move, Notice, PhoneNumber, Receipt
from domain.consents import known_word, said
from domain.conversations import (
    Conversation,
    InboundStatus,
    Message,
    UnansweredReason,
    initial_status,
)
from tests.fakes.arrivals import MemoryArrivals
from tests.fakes.customers import MemoryCustomers
from tests.fakes.memory_store import MemoryStore
from tests.fakes.receipts import number_of, record_receipts


class MemoryInbox:
    """Stores what arrives, each once."""

    def __init__(self, store: MemoryStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._customers = MemoryCustomers(store)
        self._arrivals = MemoryArrivals(store, ids)

    async def accept(self, messages: Sequence[InboundMessage]) -> Sequence[Stored]:
        async with self._store.call():
            return [self._accept(message) for message in messages]

    async def record(self, receipts: Sequence[Receipt]) -> Sequence[ReceiptOutcome]:
        async with self._store.call():
            return record_receipts(self._store, receipts)

    async def heed_early_receipts(self, kept_days: float) -> int:
        async with self._store.call():
            until = self._store.clock.now() - timedelta(days=kept_days)
            for key, (_, came_at) in list(self._store.early_receipts.items()):
                if came_at <= until:
                    del self._store.early_receipts[key]
            return 0

    async def claim_unclaimed(self, limit: int) -> Sequence[Stored]:
        async with self._store.call():
            known = [key for key, message in self._store.unclaimed.items() if self._number_of(message)][:limit]
            return [self._accept(self._store.unclaimed.pop(key)) for key in known]

    async def unclaimed(self) -> int:
        async with self._store.call():
            return len(self._store.unclaimed)

    async def note_echoes(self, echoes: Sequence[Echo]) -> Sequence[EchoOutcome]:
        async with self._store.call():
            return [self._note_echo(echo) for echo in echoes]

    async def note_changes(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        async with self._store.call():
            return [self._arrivals.change(change, self._number_of(change)) for change in changes]

    async def note_moves(self, moves: Sequence[Move]) -> Sequence[bool]:
        async with self._store.call():
            return [self._arrivals.move(move, self._number_of(move)) for move in moves]

    async def keep_notices(self, notices: Sequence[Notice]) -> int:
        async with self._store.call():
            return self._arrivals.keep(notices)

    def _number_of(self, item: InboundMessage | Receipt | Echo | Change | Move) -> PhoneNumber | None:
        return number_of(self._store, item)

    def _note_echo(self, echo: Echo) -> EchoOutcome:
        outcome, message_id = self._arrivals.echo(echo, self._number_of(echo))
        if message_id:
            receipt = Receipt(echo.channel, echo.account, echo.platform_message_id, message_id, "sent", echo.written_at)
            record_receipts(self._store, [receipt])
        return outcome

    def _accept(self, message: InboundMessage) -> Stored:
        number = self._number_of(message)
        key = (message.channel, message.account, message.platform_message_id)
        if number is None:
            self._store.unclaimed.setdefault(key, message)
            return Stored(Acceptance.UNCLAIMED)
        if message.business:
            self._store.businesses[number.id] = message.business
        if self._is_known(number.id, message.platform_message_id):
            return Stored(Acceptance.DUPLICATE)
        customer_id = self._customers.meet(number, (message.address, *message.aliases), self._ids.new())
        assert customer_id
        self._customers.learn(customer_id, message)
        conversation = self._store.conversation_of(number, self._store.customers[customer_id], self._ids)
        count = conversation.message_count + 1
        now = self._store.clock.now()
        self._store.conversations[conversation.id] = replace(conversation, message_count=count, last_activity_at=now)
        status, reason, waits = self._status(message, number, conversation)
        stored = Message(
            id=self._ids.new(),
            conversation_id=conversation.id,
            phone_number_id=number.id,
            sequence_number=count,
            direction="inbound",
            author="customer",
            type=message.type,
            text=message.text,
            status=status,
            reason=reason,
            platform_message_id=message.platform_message_id,
            turn_id=None,
            error=None,
            created_at=now,
        )
        self._store.messages[stored.id] = stored
        self._store.written_times[stored.id] = message.written_at
        if message.content is not None:
            self._store.contents[stored.id] = message.content
        if message.media:
            self._store.sent_media[stored.id] = message.media
        self._arrivals.apply_early(stored, key)
        waits = waits and self._store.messages[stored.id].status == InboundStatus.RECEIVED
        return Stored(Acceptance.ACCEPTED, conversation.id, number.id, count, waits, stored.id)

    def _is_known(self, phone_number_id: UUID, platform_message_id: str) -> bool:
        return self._store.message_named(phone_number_id, platform_message_id) is not None

    def _status(
        self, message: InboundMessage, number: PhoneNumber, conversation: Conversation
    ) -> tuple[InboundStatus, UnansweredReason | None, bool]:
        if self._is_stopped(message, number, conversation):
            return InboundStatus.UNANSWERABLE, UnansweredReason.OPTED_OUT, False
        status, reason = initial_status(message)
        if status is not InboundStatus.RECEIVED:
            return status, reason, False
        answered_at = self._store.human_replies.get(conversation.id)
        if answered_at and message.written_at < answered_at:
            return InboundStatus.UNANSWERABLE, UnansweredReason.HUMAN_ANSWERED, False
        if self._store.is_paused(conversation.id):
            return status, UnansweredReason.PAUSED, False
        return status, None, True

    def _is_stopped(self, message: InboundMessage, number: PhoneNumber, conversation: Conversation) -> bool:
        """Whether the customer has opted out, this message included; what it says of that goes on record."""
        settings = self._store.settings_of(number.id)
        if not settings.hears_stop:
            return False
        text = said(message)
        word: str | None = known_word(text)
        if text in settings.stop_words:
            word = "stop"
        elif text in settings.start_words:
            word = "start"
        customer_id = conversation.customer.id
        before = [kind for *who, kind in self._store.consents if who == [number.id, customer_id]]
        was_stopped = before[-1:] == ["stop"]
        if word == "stop" or (word == "start" and was_stopped):
            self._store.consents.append((number.id, customer_id, word))
            if word == "stop":
                self._arrivals.silence(conversation.id)
            return word == "stop"
        return was_stopped
