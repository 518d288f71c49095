"""Conversations and messages, read back.

Lists are in the order in which things came, and raise InvalidInput for a cursor that none of their pages gave out.
A filter that names another user's things finds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.pages import Page, PageRequest
from domain.conversations import Conversation, Message, PauseReason


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which conversations are asked for; None leaves a field open.

    `customer` is an id or an address, `active_since` inclusive.
    """

    status: str | None = None
    phone_number_id: UUID | None = None
    agent_id: UUID | None = None
    customer: str | None = None
    active_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages are asked for; None leaves a field open. `since` is inclusive, `until` exclusive."""

    conversation_id: UUID | None = None
    phone_number_id: UUID | None = None
    direction: str | None = None
    status: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    customer: str | None = None


class Conversations(Protocol):
    """A user's conversations and what was said in them."""

    async def get(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        """That conversation. Raises NotFound."""
        ...

    async def list(self, user_id: UUID, wanted: ConversationFilter, page: PageRequest) -> Page[Conversation]:
        """A user's conversations."""
        ...

    async def archive(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        """End the conversation: the customer's next message opens another. Twice is once. Raises NotFound.

        What waits in it without a turn becomes unanswerable (`conversation_archived`); a turn under way goes on.
        """
        ...

    async def pending(self, phone_number_id: UUID) -> int:
        """How many messages to that phone number wait for an answer that nobody has begun."""
        ...

    async def pause(
        self, user_id: UUID, conversation_id: UUID, minutes: float | None, reason: PauseReason
    ) -> Conversation:
        """Let no new turn begin in the conversation for so many minutes; without a number, until it is resumed.

        The last call counts. Raises NotFound.
        """
        ...

    async def resume(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        """End a pause, if there is one. Raises NotFound."""
        ...

    async def since(self, user_id: UUID, conversation_id: UUID, after: int, limit: int) -> Sequence[Message]:
        """Up to `limit` messages of the conversation behind that sequence number, in order; none of another user's."""
        ...

    async def messages(self, user_id: UUID, wanted: MessageFilter, page: PageRequest) -> Page[Message]:
        """A user's messages."""
        ...
