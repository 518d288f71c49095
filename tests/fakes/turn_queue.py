"""Queues in memory, in the order of first come, first served."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from application.ports.clock import Clock
from application.ports.turn_queue import QueueEntry, QueueUnavailable
from application.ports.turns import Waiting
from tests.fakes.clock import FrozenClock

LEFT_BEHIND = timedelta(seconds=180)


class MemoryTurnQueue:
    """One queue for each phone number. `is_down` makes it unreachable; `wake_ups` are what it told workers."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FrozenClock()
        self._queued: dict[UUID, deque[QueueEntry]] = defaultdict(deque)
        self._taken: dict[str, tuple[QueueEntry, datetime]] = {}
        self._admitted = 0
        self.is_down = False
        self.wake_ups: list[list[UUID]] = []

    async def admit(self, waiting: Sequence[Waiting]) -> None:
        self._must_be_up()
        for place in waiting:
            queue = self._queued[place.phone_number_id]
            if place.conversation_id not in {entry.conversation_id for entry in queue}:
                self._admitted += 1
                queue.append(QueueEntry(f"{self._admitted}-0", place.phone_number_id, place.conversation_id))
        self.wake_ups.append(list(dict.fromkeys(place.phone_number_id for place in waiting)))

    async def claim(self, phone_number_id: UUID, worker_id: UUID, limit: int) -> Sequence[QueueEntry]:
        self._must_be_up()
        now = self._clock.now()
        claimed = [
            entry
            for entry, since in self._taken.values()
            if entry.phone_number_id == phone_number_id and now - since >= LEFT_BEHIND
        ][:limit]
        queue = self._queued[phone_number_id]
        while queue and len(claimed) < limit:
            claimed.append(queue.popleft())
        self._taken.update({entry.entry_id: (entry, now) for entry in claimed})
        return claimed

    async def finish(self, entry: QueueEntry) -> None:
        self._must_be_up()
        self._taken.pop(entry.entry_id, None)

    def forget(self) -> None:
        """Lose everything, as a store that is emptied."""
        self._queued.clear()
        self._taken.clear()

    def _must_be_up(self) -> None:
        if self.is_down:
            raise QueueUnavailable("It is down.")
