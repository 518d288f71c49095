"""Queues in memory, in the order of first come, first served, with their leases and locks."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from application.ports.clock import Clock
from application.ports.turn_queue import QueueEntry, QueueState, QueueUnavailable
from application.ports.turns import Waiting
from tests.fakes.clock import FrozenClock

NOBODY = uuid4()


class MemoryTurnQueue:
    """One queue for each phone number. `is_down` makes it unreachable; `wake_ups` are what it told workers."""

    def __init__(
        self,
        clock: Clock | None = None,
        capacity: int = 10_000,
        in_flight_max: int = 500,
        lease_seconds: float = 30,
    ) -> None:
        self._clock = clock or FrozenClock()
        self._capacity = capacity
        self._in_flight_max = in_flight_max
        self._lease = timedelta(seconds=lease_seconds)
        self._queued: dict[UUID, deque[tuple[QueueEntry, datetime]]] = defaultdict(deque)
        self._taken: dict[str, tuple[QueueEntry, datetime]] = {}
        self._locks: dict[UUID, tuple[QueueEntry, datetime]] = {}
        self._workers: dict[UUID, datetime] = {}
        self._waits: dict[UUID, list[float]] = defaultdict(list)
        self._admitted = 0
        self.is_down = False
        self.wake_ups: list[list[UUID]] = []

    async def admit(self, waiting: Sequence[Waiting]) -> Collection[UUID]:
        self._must_be_up()
        full = {place.phone_number_id for place in waiting if not self._admit(place)}
        self.wake_ups.append(list(dict.fromkeys(place.phone_number_id for place in waiting)))
        return full

    async def claim(self, phone_number_id: UUID, worker_id: UUID, limit: int) -> Sequence[QueueEntry]:
        self._must_be_up()
        self._live(worker_id)
        in_flight = self._in_flight(phone_number_id)
        claimed = [entry for entry, since in in_flight if self._is_left_behind(entry, since)][:limit]
        queue = self._queued[phone_number_id]
        room = min(limit - len(claimed), self._in_flight_max - len(in_flight))
        claimed += [queue.popleft()[0] for _ in range(min(room, len(queue)))]
        return [self._take(replace(entry, worker_id=worker_id)) for entry in claimed]

    async def lock(self, entries: Sequence[QueueEntry]) -> Sequence[bool]:
        self._must_be_up()
        for entry in entries:
            self._live(entry.worker_id)
            taken = self._taken.get(entry.entry_id)
            if taken and taken[0].worker_id == entry.worker_id:
                self._taken[entry.entry_id] = taken[0], self._clock.now()
        return [self._has_lock(entry) for entry in entries]

    async def note_wait(self, entry: QueueEntry, seconds: float) -> None:
        self._must_be_up()
        self._waits[entry.phone_number_id].append(seconds)

    async def finish(self, entry: QueueEntry) -> None:
        self._must_be_up()
        held = self._locks.get(entry.conversation_id)
        if held and held[0].worker_id == entry.worker_id:
            del self._locks[entry.conversation_id]
        was_full = len(self._in_flight(entry.phone_number_id)) >= self._in_flight_max
        self._taken.pop(entry.entry_id, None)
        if was_full and self._queued[entry.phone_number_id]:
            self.wake_ups.append([entry.phone_number_id])

    async def leave(self, worker_id: UUID) -> None:
        self._must_be_up()
        self._workers.pop(worker_id, None)

    async def drop(self, phone_number_id: UUID) -> None:
        self._must_be_up()
        self._queued.pop(phone_number_id, None)
        self._waits.pop(phone_number_id, None)
        for entry, _ in self._in_flight(phone_number_id):
            del self._taken[entry.entry_id]
            self._locks.pop(entry.conversation_id, None)

    async def state(self, phone_number_id: UUID) -> QueueState:
        self._must_be_up()
        now, queue = self._clock.now(), self._queued[phone_number_id]
        oldest_seconds = (now - queue[0][1]).total_seconds() if queue else None
        locks = [entry for entry, ends in self._locks.values() if ends > now and self._is_alive(entry.worker_id)]
        locked = sum(entry.phone_number_id == phone_number_id for entry in locks)
        in_flight, waits = len(self._in_flight(phone_number_id)), self._waits[phone_number_id]
        return QueueState(len(queue), in_flight, oldest_seconds, locked, len(waits), sum(waits))

    def forget(self) -> None:
        """Lose everything, as a store that is emptied."""
        self._queued.clear()
        self._taken.clear()
        self._locks.clear()
        self._workers.clear()
        self._waits.clear()

    def _admit(self, place: Waiting) -> bool:
        """Whether its queue had room."""
        queue = self._queued[place.phone_number_id]
        if len(queue) + len(self._in_flight(place.phone_number_id)) >= self._capacity:
            return False
        if place.conversation_id not in {entry.conversation_id for entry, _ in queue}:
            self._admitted += 1
            entry = QueueEntry(f"{self._admitted}-0", place.phone_number_id, place.conversation_id, NOBODY, False)
            queue.append((entry, self._clock.now()))
        return True

    def _take(self, entry: QueueEntry) -> QueueEntry:
        taken = replace(entry, is_locked=self._has_lock(entry))
        self._taken[entry.entry_id] = taken, self._clock.now()
        return taken

    def _has_lock(self, entry: QueueEntry) -> bool:
        """Take it, or renew it; a lock that has run out or whose owner is dead belongs to nobody."""
        now = self._clock.now()
        holder, ends = self._locks.get(entry.conversation_id, (entry, now))
        if holder.worker_id != entry.worker_id and ends > now and self._is_alive(holder.worker_id):
            return False
        self._locks[entry.conversation_id] = entry, now + self._lease
        return True

    def _live(self, worker_id: UUID) -> None:
        self._workers[worker_id] = self._clock.now() + self._lease

    def _is_alive(self, worker_id: UUID) -> bool:
        now = self._clock.now()
        return self._workers.get(worker_id, now) > now

    def _is_left_behind(self, entry: QueueEntry, since: datetime) -> bool:
        return not self._is_alive(entry.worker_id) or self._clock.now() - since >= self._lease

    def _in_flight(self, phone_number_id: UUID) -> list[tuple[QueueEntry, datetime]]:
        return [taken for taken in self._taken.values() if taken[0].phone_number_id == phone_number_id]

    def _must_be_up(self) -> None:
        if self.is_down:
            raise QueueUnavailable("It is down.")
