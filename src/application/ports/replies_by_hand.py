"""What a person replies through us, in the place of the agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.ports.answers import Once
from domain.channels import ChannelType
from domain.conversations import Message
from domain.windows import Heard


@dataclass(frozen=True, slots=True)
class Addressee:
    """Where a reply would go: the kind of channel, and the newest thing the customer sent (None: nothing yet)."""

    channel: ChannelType
    heard: Heard | None


class RepliesByHand(Protocol):
    """Replies that a person has written, put where a worker finds and sends them."""

    async def addressee(self, user_id: UUID, conversation_id: UUID) -> Addressee:
        """Who would get a reply in that conversation. Raises NotFound."""
        ...

    async def write(self, user_id: UUID, conversation_id: UUID, text: str, once: Once[Message] | None) -> Message:
        """Write the reply down as `pending`, in a new open turn without a price that a worker has to take.

        It answers what waits for an answer there, and the agent pauses as after a reply that a person gave elsewhere.
        Raises NotFound, ConversationOver, WindowClosed (the customer never wrote), AgentGone, TurnUnderWay, and as
        Answers says.
        """
        ...
