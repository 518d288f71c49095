"""Who a customer is, in memory: found by any identifier, merged when two turn out to be one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.channels import InboundMessage, PhoneNumber
from domain.conversations import Conversation, ConversationStatus, Customer, InboundStatus, Message
from tests.fakes.extractions import joined
from tests.fakes.memory_store import MemoryStore

WAITING = {InboundStatus.RECEIVED, InboundStatus.BLOCKED}


class MemoryCustomers:
    """The customers of a store. Their identifiers are `customer_ids`; they stand in the order in which they came."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def meet(self, number: PhoneNumber, named: Sequence[str], new_id: UUID | None) -> UUID | None:
        """Who goes by any of these identifiers, under all of them from now on; someone new without `new_id` is None."""
        keys = [(number.user_id, number.type, value) for value in named]
        known = {self._store.customer_ids[key] for key in keys if key in self._store.customer_ids}
        owners = [id_ for id_ in self._store.customers if id_ in known]
        if not owners:
            if new_id is None:
                return None
            self._store.customers[new_id] = Customer(new_id, named[0], None)
            owners = [new_id]
        for gone in owners[1:]:
            self._merge(owners[0], gone)
        self._store.customer_ids.update(dict.fromkeys(keys, owners[0]))
        return owners[0]

    def learn(self, customer_id: UUID, message: InboundMessage) -> None:
        """What a message tells of its customer, unless a newer one has come."""
        customer, store = self._store.customers[customer_id], self._store
        username = store.usernames.get(customer_id)
        is_news = message.written_at >= max(self._told_at(customer_id), default=message.written_at)
        name = (message.name or customer.name) if is_news else (customer.name or message.name)
        username = (message.username or username) if is_news else (username or message.username)
        if is_news and message.address != customer.address:
            store.address_times[customer_id] = message.written_at
        address = message.address if is_news else customer.address
        store.customers[customer_id] = replace(customer, address=address, name=name)
        if username:
            store.usernames[customer_id] = username

    def _told_at(self, customer_id: UUID) -> list[datetime]:
        times = [self._store.address_times[customer_id]] if customer_id in self._store.address_times else []
        own = {row.id for row in self._store.conversations.values() if row.customer.id == customer_id}
        said = [one.id for one in self._store.messages.values() if one.conversation_id in own]
        times += [self._store.written_times[id_] for id_ in said if id_ in self._store.written_times]
        return times

    def _merge(self, kept_id: UUID, gone_id: UUID) -> None:
        store = self._store
        for one in store.active_conversations():
            for other in store.active_conversations():
                same_number = one.phone_number_id == other.phone_number_id
                if same_number and (one.customer.id, other.customer.id) == (kept_id, gone_id):
                    first, last = sorted((one, other), key=lambda row: (row.last_activity_at, row.id))
                    self._end(first, last)
        kept, gone = store.customers[kept_id], store.customers.pop(gone_id)
        for row in [row for row in store.conversations.values() if row.customer.id == gone_id]:
            store.conversations[row.id] = replace(row, customer=kept)
        if lead := store.leads.pop(gone_id, None):
            store.leads[kept_id] = joined(replace(lead, customer=kept), store.leads.get(kept_id))
        store.consents[:] = [(number, kept_id if who == gone_id else who, kind) for number, who, kind in store.consents]
        for key, owner in store.customer_ids.items():
            store.customer_ids[key] = kept_id if owner == gone_id else owner
        kept_at, gone_at = store.address_times.get(kept_id), store.address_times.pop(gone_id, None)
        if gone_at and (kept_at is None or gone_at > kept_at):
            store.address_times[kept_id] = gone_at
            kept = replace(kept, address=gone.address)
        store.customers[kept_id] = replace(kept, name=kept.name or gone.name)
        if username := store.usernames.pop(gone_id, None):
            store.usernames.setdefault(kept_id, username)

    def _end(self, ended: Conversation, kept: Conversation) -> None:
        """Archive `ended`; what waits there is answered in `kept`."""
        store = self._store
        said = store.messages_of(ended.id)
        waiting = [one for one in said if one.turn_id is None and one.status in WAITING]
        self._number([one for one in said if one not in waiting], ended.id, 0)
        self._number(waiting, kept.id, kept.message_count)
        count = len(said) - len(waiting)
        store.conversations[ended.id] = replace(ended, status=ConversationStatus.ARCHIVED, message_count=count)
        store.conversations[kept.id] = replace(kept, message_count=kept.message_count + len(waiting))
        if store.is_paused(ended.id) and not store.is_paused(kept.id):
            kept = store.conversations[kept.id]
            store.conversations[kept.id] = replace(
                kept, paused_until=ended.paused_until, paused_reason=ended.paused_reason
            )
        if ended.id in store.human_replies:
            store.human_replies[kept.id] = max(
                store.human_replies[ended.id], store.human_replies.get(kept.id, store.human_replies[ended.id])
            )

    def _number(self, messages: list[Message], conversation_id: UUID, number: int) -> None:
        for place, message in enumerate(messages, number + 1):
            moved = replace(message, conversation_id=conversation_id, sequence_number=place)
            self._store.messages[message.id] = moved
