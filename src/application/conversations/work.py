"""A worker at work: it takes entries from the queues, answers them, and says that it lives."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from application.conversations.take_turn import TakeTurn
from application.ports.turn_queue import QueueEntry, QueueUnavailable, TurnQueue
from application.ports.turns import Turns


@dataclass(frozen=True, slots=True)
class Work:
    """What one worker does, whoever drives it."""

    take_turn: TakeTurn
    turns: Turns
    queue: TurnQueue

    async def claim(self, phone_number_id: UUID, worker_id: UUID, limit: int) -> Sequence[QueueEntry]:
        """Take up to `limit` conversations from a phone number's queue, the oldest first.

        Raises QueueUnavailable.
        """
        return await self.queue.claim(phone_number_id, worker_id, limit)

    async def serve(self, entry: QueueEntry, worker_id: UUID) -> int:
        """Answer the conversation and acknowledge the entry. Returns how many turns were settled.

        Raises Unavailable when the store is out of reach; the entry then stays, and the turn is taken up again.
        """
        settled = await self.take_turn(entry.conversation_id, worker_id)
        try:
            await self.queue.finish(entry)
        except QueueUnavailable:
            # What was answered is in the store; an entry that comes again finds nothing to do.
            return settled
        return settled

    async def renew_lease(self, worker_id: UUID, holding: Collection[UUID]) -> None:
        """Say that the worker lives and which conversations it is working on. Raises Unavailable."""
        await self.turns.renew_lease(worker_id, holding)

    async def leave(self, worker_id: UUID) -> None:
        """Say that the worker stops: what it still held is free for others. Raises Unavailable."""
        await self.turns.end_lease(worker_id)
