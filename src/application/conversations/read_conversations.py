"""Reading conversations back, and ending one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.conversations import ConversationFilter, Conversations, MessageFilter
from application.ports.live import LiveChannel
from application.telling import tell_of
from domain.conversations import Conversation, Message
from domain.users import Caller


@dataclass(frozen=True, slots=True)
class ReadConversations:
    """A user's conversations and messages."""

    conversations: Conversations
    live: LiveChannel

    async def get(self, caller: Caller, user_id: UUID, conversation_id: UUID) -> Conversation:
        """That conversation. Raises NotFound."""
        caller.must_read(user_id)
        return await self.conversations.get(user_id, conversation_id)

    async def list(
        self, caller: Caller, user_id: UUID, wanted: ConversationFilter, page: PageRequest
    ) -> Page[Conversation]:
        """The user's conversations."""
        caller.must_read(user_id)
        return await self.conversations.list(user_id, wanted, page)

    async def archive(self, caller: Caller, user_id: UUID, conversation_id: UUID) -> Conversation:
        """End a conversation: the customer's next message opens another. Raises NotFound."""
        caller.must_write(user_id)
        archived = await self.conversations.archive(user_id, conversation_id)
        tell_of(self.live, conversation_id)
        return archived

    async def messages(self, caller: Caller, user_id: UUID, wanted: MessageFilter, page: PageRequest) -> Page[Message]:
        """The user's messages."""
        caller.must_read(user_id)
        return await self.conversations.messages(user_id, wanted, page)
