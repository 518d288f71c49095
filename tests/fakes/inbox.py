"""What arrives, kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from application.ports.clock import Ids
from application.ports.inbox import Acceptance, ReceiptOutcome, Stored
from domain.channels import ChannelType, InboundMessage, PhoneNumber, Receipt
from domain.conversations import (
    Conversation,
    ConversationStatus,
    Customer,
    Message,
    initial_status,
)
from tests.fakes.memory_store import MemoryStore
from tests.fakes.receipts import number_of, record_receipts


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

    def _number_of(self, item: InboundMessage) -> PhoneNumber | None:
        return number_of(self._store, item)

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
        self._store.arrivals[stored.id] = message
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
