"""Who goes first. Everything here may vanish at any moment and is fed again from the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.ports.turns import Waiting


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A conversation whose turn has come. `entry_id` is the queue's own name for it."""

    entry_id: str
    phone_number_id: UUID
    conversation_id: UUID


class QueueUnavailable(Exception):
    """The queue cannot be reached. Nothing is lost: the sweeper feeds it when it is back."""


class TurnQueue(Protocol):
    """One queue per phone number, first in, first out; a conversation stands in it once."""

    async def admit(self, waiting: Sequence[Waiting]) -> None:
        """Queue conversations that are not queued yet, in that order, and wake a worker. Raises QueueUnavailable."""
        ...

    async def claim(self, phone_number_id: UUID, worker_id: UUID, limit: int) -> Sequence[QueueEntry]:
        """Take up to `limit` entries, the oldest first; those of a worker that died long ago before all.

        Raises QueueUnavailable.
        """
        ...

    async def finish(self, entry: QueueEntry) -> None:
        """Acknowledge an entry: its turn is done, or another's. Raises QueueUnavailable."""
        ...
