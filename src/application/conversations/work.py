"""A worker at work: it takes entries from the queues, answers them, and says that it lives."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from application.conversations.take_turn import TakeTurn
from application.ports.clock import Clock, Ids
from application.ports.turn_queue import QueueEntry, QueueUnavailable, TurnQueue
from application.ports.turns import Place, Turns

LOCK_SECONDS_MAX = 1.0
"""How long a worker waits for a conversation's lock. Then it asks the store, which decides anyway."""
LOCK_RETRY_SECONDS = 0.1


WARM_MAX = 200
"""So many phone numbers are warm before a worker takes its first turn."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one worker does, whoever drives it."""

    take_turn: TakeTurn
    turns: Turns
    queue: TurnQueue
    clock: Clock
    ids: Ids

    async def join(self, worker_id: UUID, place: Place) -> None:
        """Say that the worker begins to live, and where. Raises Unavailable."""
        await self.turns.join(worker_id, place)

    async def warm_up(self) -> int:
        """Have at hand what turns of the busiest phone numbers will ask for. Returns how many. Raises Unavailable."""
        return await self.take_turn.briefings.warm_up(WARM_MAX)

    async def claim(self, phone_number_id: UUID, worker_id: UUID, limit: int) -> Sequence[QueueEntry]:
        """Take up to `limit` conversations from a phone number's queue, the oldest first.

        Raises QueueUnavailable.
        """
        return await self.queue.claim(phone_number_id, worker_id, limit)

    async def serve(self, entry: QueueEntry) -> int:
        """Answer the conversation and acknowledge the entry. Returns how many turns were settled.

        Raises Unavailable when the store is out of reach; the entry then stays, and the turn is taken up again.
        """
        if not entry.is_locked:
            await self._wait_for_lock(entry)
        settled = await self.take_turn(entry.conversation_id, entry.worker_id)
        try:
            await self.queue.finish(entry)
        except QueueUnavailable:
            # What was answered is in the store; an entry that comes again finds nothing to do.
            return settled
        return settled

    async def renew(self, worker_id: UUID, holding: Collection[QueueEntry], crashed: Collection[UUID] = ()) -> None:
        """Say that the worker lives, what it is working on, and which conversations ended in a bug meanwhile.

        While this is under way nothing may be served that is not in `holding`: it would count as dropped. Raises
        Unavailable or QueueUnavailable.
        """
        await self.turns.renew_lease(worker_id, {entry.conversation_id for entry in holding}, crashed)
        if holding:
            await self.queue.lock(list(holding))

    async def leave(self, worker_id: UUID) -> None:
        """Say that the worker stops: what it still held is free for others. Raises Unavailable."""
        await self.turns.end_lease(worker_id)
        with suppress(QueueUnavailable):  # then what it held there is left behind when its lease has run out
            await self.queue.leave(worker_id)

    async def _wait_for_lock(self, entry: QueueEntry) -> None:
        """Give whoever has the conversation a moment. A lock that stays is an orphan's, or Redis is wrong."""
        waited, is_locked = 0.0, False
        with suppress(QueueUnavailable):
            while waited < LOCK_SECONDS_MAX and not is_locked:
                pause = LOCK_RETRY_SECONDS * (0.5 + self.ids.fraction())
                await self.clock.sleep(pause)
                waited += pause
                (is_locked,) = await self.queue.lock([entry])
            await self.queue.note_wait(entry, waited)
