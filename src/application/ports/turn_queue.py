"""Who goes first. Everything here may vanish at any moment and is fed again from the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.ports.turns import Waiting


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A conversation whose turn has come, in the hands of one worker. `entry_id` is the queue's own name for it.

    `is_locked` tells whether that worker has the conversation's lock: the lock spares two workers the same
    work, and nothing that is written rests on it.
    """

    entry_id: str
    phone_number_id: UUID
    conversation_id: UUID
    worker_id: UUID
    is_locked: bool


@dataclass(frozen=True, slots=True)
class QueueState:
    """How a phone number's queue stands. `oldest_seconds` is None when nothing waits.

    `locked` conversations have a holder now; `lock_waits` times a worker had to wait for another's lock, for
    `lock_wait_seconds` in all, since the queue began to count.
    """

    waiting: int
    in_flight: int
    oldest_seconds: float | None
    locked: int
    lock_waits: int = 0
    lock_wait_seconds: float = 0.0


class QueueUnavailable(Exception):
    """The queue cannot be reached. Nothing is lost: the sweeper feeds it when it is back."""


class TurnQueue(Protocol):
    """One queue per phone number, first in, first out; a conversation stands in it once."""

    async def admit(self, waiting: Sequence[Waiting]) -> Collection[UUID]:
        """Queue conversations that are not queued yet, in that order, and wake a worker.

        Returns the phone numbers whose queues are full: what was not queued waits in the store for the sweeper.
        Raises QueueUnavailable.
        """
        ...

    async def claim(self, phone_number_id: UUID, worker_id: UUID, limit: int) -> Sequence[QueueEntry]:
        """Take up to `limit` entries under a lease, the oldest first; before all those that were left behind.

        Left behind is what a worker held that has stopped, is known to be dead or has been silent past its lease,
        and what a living one has not renewed. No more are taken than the phone number may have in flight, over all
        workers. Raises QueueUnavailable.
        """
        ...

    async def lock(self, entries: Sequence[QueueEntry]) -> Sequence[bool]:
        """Renew the leases of the entries, and take or renew the locks of their conversations.

        Tells for each whether the lock is the worker's; one whose owner is not alive is free. Raises QueueUnavailable.
        """
        ...

    async def note_wait(self, entry: QueueEntry, seconds: float) -> None:
        """Count that a worker waited so long for the lock of the entry's conversation. Raises QueueUnavailable."""
        ...

    async def finish(self, entry: QueueEntry) -> None:
        """Acknowledge an entry and give back its lock: its turn is done, or another's. Raises QueueUnavailable."""
        ...

    async def leave(self, worker_id: UUID) -> None:
        """Say that the worker has stopped: what it still held is left behind at once. Raises QueueUnavailable."""
        ...

    async def drop(self, phone_number_id: UUID) -> None:
        """Drop the queue of a phone number that is gone, with what was counted of it. Raises QueueUnavailable."""
        ...

    async def state(self, phone_number_id: UUID) -> QueueState:
        """How the queue of a phone number stands. Raises QueueUnavailable."""
        ...
