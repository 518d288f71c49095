"""A person answers a customer through us, in the place of the agent."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from application.ports.answers import Once
from application.ports.clock import Clock
from application.ports.live import LiveChannel
from application.ports.replies_by_hand import RepliesByHand
from application.ports.turn_queue import QueueUnavailable, TurnQueue
from application.ports.turns import Waiting
from application.telling import tell_of
from domain.conversations import Message
from domain.delivery import WindowClosed, checked_own_words
from domain.users import Caller
from domain.windows import is_window_open


@dataclass(frozen=True, slots=True)
class ReplyByHand:
    """Writes the reply down; a worker sends it as it sends an agent's. It costs no credit, and the agent pauses."""

    replies: RepliesByHand
    queue: TurnQueue
    clock: Clock
    live: LiveChannel

    async def __call__(
        self, caller: Caller, user_id: UUID, conversation_id: UUID, text: str, once: Once[Message] | None = None
    ) -> Message:
        """The message as it waits. Raises InvalidInput, WindowClosed, and as the port does."""
        caller.must_write(user_id)
        addressee = await self.replies.addressee(user_id, conversation_id)
        words = checked_own_words(text, addressee.channel)
        if addressee.heard and not is_window_open(addressee.channel, addressee.heard, self.clock.now()):
            raise WindowClosed("The customer's last message is too long ago: the platform takes no free text now.")
        message = await self.replies.write(user_id, conversation_id, words, once)
        tell_of(self.live, conversation_id)
        with suppress(QueueUnavailable):  # it is in the store: the sweeper feeds the queue when that is back
            await self.queue.admit([Waiting(conversation_id, message.phone_number_id)])
        return message
