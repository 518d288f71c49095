"""Feeding the queues from the store: after a change that lets waiting messages go on, and after any loss."""

from __future__ import annotations

from application.ports.turn_queue import QueueUnavailable, TurnQueue
from application.ports.turns import Turns, WaitingFilter

REQUEUE_BATCH = 1_000


async def requeue(turns: Turns, queue: TurnQueue, wanted: WaitingFilter) -> int:
    """Queue the oldest waiting conversations; the ones already queued stay where they are.

    Returns how many were fed, 0 when the queue is out of reach: the sweeper then tries again.
    """
    waiting = await turns.waiting(wanted, REQUEUE_BATCH)
    if not waiting:
        return 0
    try:
        await queue.admit(waiting)
    except QueueUnavailable:
        return 0
    return len(waiting)
