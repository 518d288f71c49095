"""What arrives, kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from application.ports.clock import Ids
from application.ports.inbox import Acceptance, ReceiptOutcome, Stored
from domain.channels import ChannelType, InboundMessage, PhoneNumber, Receipt
from domain.conversations import (
    OUTBOUND_ORDER,
    Conversation,
    ConversationStatus,
    Customer,
    InboundStatus,
    Message,
    OutboundStatus,
    TurnStatus,
    UnansweredReason,
    initial_status,
    later,
)
from domain.credits import TURN_PRICE, EntryKind
from tests.fakes.memory_store import MemoryStore


class MemoryInbox:
    """Stores what arrives, each once."""

    def __init__(self, store: MemoryStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def accept(self, messages: Sequence[InboundMessage]) -> Sequence[Stored]:
        async with self._store.call():
            return [self._accept(message) for message in messages]

    async def record(self, receipts: Sequence[Receipt]) -> Sequence[ReceiptOutcome]:
        async with self._store.call():
            known = [self._message_of(receipt) for receipt in receipts]
            return [self._record(receipts, known, place) for place in range(len(receipts))]

    async def claim_unclaimed(self, limit: int) -> Sequence[Stored]:
        async with self._store.call():
            known = [key for key, message in self._store.unclaimed.items() if self._number_of(message)][:limit]
            return [self._accept(self._store.unclaimed.pop(key)) for key in known]

    async def unclaimed(self) -> int:
        async with self._store.call():
            return len(self._store.unclaimed)

    def _number_of(self, item: InboundMessage | Receipt) -> PhoneNumber | None:
        for number in self._store.phone_numbers.values():
            if number.type is item.channel and item.account == (
                number.meta_phone_number_id or number.instagram_account_id or str(number.id)
            ):
                return number
        return None

    def _accept(self, message: InboundMessage) -> Stored:
        number = self._number_of(message)
        if number is None:
            key = (message.channel, message.account, message.platform_message_id)
            self._store.unclaimed.setdefault(key, message)
            return Stored(Acceptance.UNCLAIMED)
        if self._is_known(number.id, message.platform_message_id):
            return Stored(Acceptance.DUPLICATE)
        conversation = self._conversation(number, self._customer(number, message))
        count = conversation.message_count + 1
        now = self._store.clock.now()
        self._store.conversations[conversation.id] = replace(conversation, message_count=count, last_activity_at=now)
        status, reason = initial_status(message)
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
        return Stored(Acceptance.ACCEPTED, conversation.id, number.id, count)

    def _is_known(self, phone_number_id: UUID, platform_message_id: str) -> bool:
        return any(
            (known.phone_number_id, known.platform_message_id) == (phone_number_id, platform_message_id)
            for known in self._store.messages.values()
        )

    def _customer(self, number: PhoneNumber, message: InboundMessage) -> Customer:
        key: tuple[UUID, ChannelType, str] = (number.user_id, number.type, message.address)
        id_ = self._store.customer_ids.setdefault(key, self._ids.new())
        before = self._store.customers.get(id_, Customer(id_, message.address, None))
        self._store.customers[id_] = replace(before, name=message.name or before.name)
        return self._store.customers[id_]

    def _conversation(self, number: PhoneNumber, customer: Customer) -> Conversation:
        for conversation in self._store.active_conversations():
            if (conversation.phone_number_id, conversation.customer.id) == (number.id, customer.id):
                return conversation
        agent = self._store.agent_on(number.id)
        now = self._store.clock.now()
        return Conversation(
            id=self._ids.new(),
            phone_number_id=number.id,
            agent_id=agent.id if agent else None,
            customer=customer,
            status=ConversationStatus.ACTIVE,
            openai_conversation_id=None,
            message_count=0,
            last_activity_at=now,
            created_at=now,
        )

    def _message_of(self, receipt: Receipt) -> UUID | None:
        number = self._number_of(receipt)
        named = None
        for message in self._store.messages.values():
            if number and message.phone_number_id == number.id and message.direction == "outbound":
                if message.id == receipt.message_id:
                    return message.id
                if message.platform_message_id == receipt.platform_message_id:
                    named = message.id
        return named

    def _record(self, receipts: Sequence[Receipt], known: Sequence[UUID | None], place: int) -> ReceiptOutcome:
        """Of several receipts for one message in one call, only the furthest counts."""
        message_id = known[place]
        if message_id is None:
            return ReceiptOutcome.UNKNOWN
        former = self._store.former_platform_message_ids[message_id]
        if receipts[place].platform_message_id in former:
            return ReceiptOutcome.OLD
        rivals = [
            other
            for other, id_ in enumerate(known)
            if id_ == message_id and receipts[other].platform_message_id not in former
        ]
        furthest = max(rivals, key=lambda other: (OUTBOUND_ORDER.index(_status(receipts[other])), -other))
        message, receipt = self._store.messages[message_id], receipts[place]
        before, reported = OutboundStatus(message.status), _status(receipt)
        if place != furthest or later(before, reported) is before:
            return ReceiptOutcome.OLD
        self._store.messages[message_id] = replace(
            message,
            status=reported,
            error=receipt.error or message.error,
            platform_message_id=message.platform_message_id or receipt.platform_message_id,
        )
        if message.turn_id:
            self._decide(message.turn_id, reported)
        return ReceiptOutcome.RECORDED

    def _decide(self, turn_id: UUID, reported: OutboundStatus) -> None:
        turn = self._store.turns[turn_id]
        failed = reported is OutboundStatus.FAILED
        if turn.status is TurnStatus.UNDECIDED:
            kind = EntryKind.RELEASE if failed else EntryKind.CAPTURE
        elif turn.status is TurnStatus.ANSWERED and failed:
            kind = EntryKind.REFUND
        else:
            return
        turn.status = TurnStatus.FAILED if failed else TurnStatus.ANSWERED
        self._store.move_credits(turn.user_id, kind, TURN_PRICE, turn_id, None)
        for message in list(self._store.messages.values()):
            if message.turn_id == turn_id and message.direction == "inbound":
                self._store.messages[message.id] = replace(
                    message,
                    status=InboundStatus.UNANSWERABLE if failed else InboundStatus.ANSWERED,
                    reason=UnansweredReason.SEND_FAILED if failed else None,
                )


def _status(receipt: Receipt) -> OutboundStatus:
    return OutboundStatus(receipt.status)
