"""Feeding the queues from the store: after a change that lets waiting messages go on, and after any loss."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from application.ports.turn_queue import QueueUnavailable, TurnQueue
from application.ports.turns import Turns, WaitingFilter

REQUEUE_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Fed:
    """How many conversations were fed, and the phone numbers that were full; None when nobody could be asked."""

    conversations: int
    full: Collection[UUID] | None


async def requeue(turns: Turns, queue: TurnQueue, wanted: WaitingFilter) -> Fed:
    """Queue the oldest waiting conversations; the ones already queued stay where they are.

    When the queue is out of reach none is fed: the sweeper tries again.
    """
    waiting = await turns.waiting(wanted, REQUEUE_BATCH)
    if not waiting:
        return Fed(0, ())
    try:
        full = await queue.admit(waiting)
    except QueueUnavailable:
        return Fed(0, None)
    return Fed(sum(place.phone_number_id not in full for place in waiting), full)
