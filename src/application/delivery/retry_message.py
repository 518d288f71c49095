"""Sending a failed message again, because a person asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.ports.answers import Once
from application.ports.live import LiveChannel
from application.ports.retries import Retries
from application.ports.turn_queue import QueueUnavailable, TurnQueue
from application.ports.turns import Waiting
from application.telling import tell_of
from domain.conversations import Message
from domain.users import Caller


@dataclass(frozen=True, slots=True)
class RetryMessage:
    """Puts a failed message back to waiting; a worker delivers it, with the same content."""

    retries: Retries
    queue: TurnQueue
    live: LiveChannel

    async def __call__(
        self, caller: Caller, user_id: UUID, message_id: UUID, once: Once[Message] | None = None
    ) -> Message:
        """The message as it waits. Raises as the port does."""
        caller.must_write(user_id)
        message = await self.retries.retry(user_id, message_id, once)
        tell_of(self.live, message.conversation_id)
        try:
            await self.queue.admit([Waiting(message.conversation_id, message.phone_number_id)])
        except QueueUnavailable:
            # It is in the store: the sweeper feeds the queue when that is back.
            return message
        return message
