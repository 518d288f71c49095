"""The queue: how long conversations stood in it, and how often it was out of reach."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from adapters.telemetry.measured.passing import Passing
from adapters.telemetry.metrics import Metrics
from application.ports.turn_queue import QueueEntry, QueueUnavailable, TurnQueue

Outcome = TypeVar("Outcome")

WAIT_SECONDS_MAX = 3_600.0
"""An entry that seems older was named by a clock that is wrong."""


class Waits:
    """How long the conversations that a worker has claimed stood in the queue, until their turns begin."""

    def __init__(self) -> None:
        self._seconds: dict[UUID, float] = {}

    def note(self, entry: QueueEntry) -> float | None:
        """Note an entry: its name begins with the time when it was queued, in milliseconds. How long that is ago."""
        milliseconds, _, _ = entry.entry_id.partition("-")
        waited = time.time() - int(milliseconds) / 1_000 if milliseconds.isdecimal() else -1.0
        if not 0 <= waited <= WAIT_SECONDS_MAX:
            return None
        self._seconds[entry.conversation_id] = waited
        return waited

    def take(self, conversation_id: UUID) -> float | None:
        """How long that conversation had waited, told once."""
        return self._seconds.pop(conversation_id, None)


class MeasuredQueue(Passing):
    """Times the wait in the queue and for locks."""

    def __init__(self, queue: TurnQueue, metrics: Metrics, waits: Waits) -> None:
        super().__init__(queue)
        self._queue = queue
        self._waits = waits
        self._metrics = metrics

    async def claim(self, phone_number_id: UUID, worker_id: UUID, limit: int) -> Sequence[QueueEntry]:
        """Take the oldest entries; see the port."""
        entries = await self._answered("claim", self._queue.claim(phone_number_id, worker_id, limit))
        for entry in entries:
            if (waited := self._waits.note(entry)) is not None:
                self._metrics.queue_wait.observe(waited)
        return entries

    async def admit(self, waiting: Sequence[Any]) -> Any:  # noqa: ANN401 - as the port has it
        """Queue conversations; see the port."""
        return await self._answered("admit", self._queue.admit(waiting))

    async def note_wait(self, entry: QueueEntry, seconds: float) -> None:
        """Count a wait for a lock; see the port."""
        self._metrics.lock_wait.observe(seconds)
        await self._answered("note_wait", self._queue.note_wait(entry, seconds))

    async def finish(self, entry: QueueEntry) -> None:
        """Acknowledge an entry; see the port."""
        self._waits.take(entry.conversation_id)
        await self._answered("finish", self._queue.finish(entry))

    async def _answered(self, call: str, made: Awaitable[Outcome]) -> Outcome:
        try:
            return await made
        except QueueUnavailable:
            self._metrics.queue_errors.labels(call).inc()
            raise
