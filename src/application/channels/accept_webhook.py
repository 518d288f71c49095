"""A platform delivers: read it, store it, queue it, answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from application.alerting import Overflow
from application.ports.channel_gateway import WebhookReader
from application.ports.duplicate_filter import DuplicateFilter
from application.ports.inbox import Acceptance, Inbox, Stored
from application.ports.live import LiveChannel
from application.ports.turn_queue import QueueUnavailable, TurnQueue
from application.ports.turns import Waiting
from application.telling import tell_of_stored, tell_of_the_rest
from domain.channels import Delivery, InboundMessage, Receipt

Delivered = TypeVar("Delivered", InboundMessage, Receipt)


@dataclass(frozen=True, slots=True)
class WebhookOutcome:
    """What a delivery came to, by number of elements.

    `queued` is False when the queue was out of reach and the sweeper has to feed it. `message_ids` are ours, of
    customers' messages that were new, and of those that are answered by what a receipt is about: logs find them by it.
    """

    accepted: int = 0
    duplicates: int = 0
    unclaimed: int = 0
    receipts: int = 0
    echoes: int = 0
    changes: int = 0
    moves: int = 0
    notices: int = 0
    ignored: int = 0
    unreadable: int = 0
    queued: bool = True
    message_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class AcceptWebhook:
    """Returns only after everything in the delivery is committed; until then the platform must keep it."""

    reader: WebhookReader
    inbox: Inbox
    queue: TurnQueue
    seen: DuplicateFilter
    overflow: Overflow
    live: LiveChannel

    def challenge(self, query: Mapping[str, str]) -> str:
        """What to echo in the platform's handshake. Raises ForgedWebhook for a wrong token."""
        return self.reader.challenge(query)

    async def __call__(self, headers: Mapping[str, str], body: bytes) -> WebhookOutcome:
        """Take in one delivery. Raises UnsignedWebhook, ForgedWebhook, UnreadableWebhook or Unavailable."""
        delivery = self.reader.read(headers, body)
        messages, receipts = await self._not_seen(delivery.messages), await self._not_seen(delivery.receipts)
        stored = await self.inbox.accept(messages) if messages else ()
        if receipts:
            await self.inbox.record(receipts)
        await self._note_the_rest(delivery)
        tell_of_stored(self.live, stored)
        tell_of_the_rest(self.live, delivery)
        queued = await admit_stored(self.queue, stored, self.overflow)
        # Only now: a mark set before the commit would hide the redelivery of what was not committed.
        if messages or receipts:
            named = [message.name_of_delivery for message in messages]
            await self.seen.remember(named + [receipt.name_of_delivery for receipt in receipts])
        counts = Counter(place.acceptance for place in stored)
        return WebhookOutcome(
            accepted=counts[Acceptance.ACCEPTED],
            duplicates=counts[Acceptance.DUPLICATE] + len(delivery.messages) - len(messages),
            unclaimed=counts[Acceptance.UNCLAIMED],
            receipts=len(receipts),
            echoes=len(delivery.echoes),
            changes=len(delivery.changes),
            moves=len(delivery.moves),
            notices=len(delivery.notices),
            ignored=delivery.ignored,
            unreadable=delivery.unreadable,
            queued=queued,
            message_ids=(
                *(place.message_id for place in stored if place.message_id),
                *dict.fromkeys(receipt.question_id for receipt in receipts if receipt.question_id),
            ),
        )

    async def _note_the_rest(self, delivery: Delivery) -> None:
        """What is rare enough for the store alone to know what came before."""
        if delivery.echoes:
            await self.inbox.note_echoes(delivery.echoes)
        if delivery.changes:
            await self.inbox.note_changes(delivery.changes)
        if delivery.moves:
            await self.inbox.note_moves(delivery.moves)
        if delivery.notices:
            await self.inbox.keep_notices(delivery.notices)

    async def _not_seen(self, delivered: Sequence[Delivered]) -> Sequence[Delivered]:
        if not delivered:
            return delivered
        known = await self.seen.known([each.name_of_delivery for each in delivered])
        return [each for each, is_known in zip(delivered, known, strict=True) if not is_known]


async def admit_stored(queue: TurnQueue, stored: Sequence[Stored], overflow: Overflow | None = None) -> bool:
    """Queue the conversations of newly stored messages that wait for an answer.

    False when the queue is out of reach or one of its numbers is full: then they are swept.
    """
    waiting = [
        Waiting(place.conversation_id, place.phone_number_id)
        for place in stored
        if place.waits and place.conversation_id and place.phone_number_id
    ]
    if not waiting:
        return True
    try:
        full = await queue.admit(waiting)
    except QueueUnavailable:
        return False
    if full and overflow:
        await overflow.noticed(full)
    return not full
