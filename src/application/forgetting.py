"""What Redis still knows of a phone number that is gone."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from application.ports.context_cache import ContextCache
from application.ports.turn_queue import QueueUnavailable, TurnQueue


async def forget_channel(contexts: ContextCache, queue: TurnQueue, phone_number_id: UUID) -> None:
    """Forget its token and its queue.

    When Redis is out of reach nothing is lost: the token goes by itself within minutes, and what stands in the queue
    names conversations that do not exist any more.
    """
    await contexts.drop(phone_number_id)
    with suppress(QueueUnavailable):
        await queue.drop(phone_number_id)
