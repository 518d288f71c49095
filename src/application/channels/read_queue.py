"""How the queue of a phone number stands."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.ports.conversations import Conversations
from application.ports.registry import PhoneNumbers
from application.ports.turn_queue import QueueState, QueueUnavailable, TurnQueue
from domain.shared import Unavailable
from domain.users import Caller


@dataclass(frozen=True, slots=True)
class QueueReport:
    """`state` is what the queue itself knows, `pending` how many messages wait for an answer, queued or not."""

    state: QueueState
    pending: int


@dataclass(frozen=True, slots=True)
class ReadQueue:
    """For people who ask why nobody answers: is there much before it, or is nobody working?"""

    phone_numbers: PhoneNumbers
    conversations: Conversations
    queue: TurnQueue

    async def __call__(self, caller: Caller, user_id: UUID, phone_number_id: UUID) -> QueueReport:
        """The state now. Raises NotFound, or Unavailable when a store is out of reach."""
        caller.must_read(user_id)
        await self.phone_numbers.get(user_id, phone_number_id)
        pending = await self.conversations.pending(phone_number_id)
        try:
            return QueueReport(await self.queue.state(phone_number_id), pending)
        except QueueUnavailable as error:
            raise Unavailable(str(error)) from error
