"""Web chats in memory, as a visitor's browser needs them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.channels import ChannelType, PhoneNumber
from domain.conversations import Conversation
from domain.shared import NotFound
from domain.webchat import ANY_ORIGIN, ChatEntry, WebChat
from tests.fakes.memory_store import MemoryStore

STEP = 1_000_000


class MemoryWebChats:
    """Over the same rows as the other fakes; the secrets lie here."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._secrets: dict[UUID, bytes] = {}

    async def get(self, web_chat_id: UUID) -> WebChat:
        number = self._number(web_chat_id)
        return WebChat(number.id, number.user_id, number.allowed_origins, self._secrets.get(number.id))

    async def allows(self, origin: str) -> bool:
        numbers = [each for each in self._store.phone_numbers.values() if each.type is ChannelType.WEBCHAT]
        return any({origin, ANY_ORIGIN} & set(number.allowed_origins) for number in numbers)

    async def keep_identity_secret(self, user_id: UUID, web_chat_id: UUID, sealed: bytes, *, replace: bool) -> bytes:
        if self._number(web_chat_id).user_id != user_id:
            raise NotFound("web chat")
        if replace or web_chat_id not in self._secrets:
            self._secrets[web_chat_id] = sealed
        return self._secrets[web_chat_id]

    async def entries(self, web_chat: WebChat, visitor: str, after: int, limit: int) -> Sequence[ChatEntry]:
        shown = [
            ChatEntry(
                place * STEP + message.sequence_number,
                message.author,
                message.text,
                message.created_at,
                _own_id(visitor, message.author, message.platform_message_id),
            )
            for place, conversation in enumerate(self._chats(web_chat, visitor))
            for message in self._store.messages_of(conversation.id)
            if message.text and (message.direction == "inbound" or message.status != "failed")
        ]
        return [entry for entry in shown if entry.sequence > after][:limit]

    async def last_sequence(self, web_chat: WebChat, visitor: str) -> int:
        chats = [(place, chat) for place, chat in enumerate(self._chats(web_chat, visitor)) if chat.message_count]
        return max((place * STEP + chat.message_count for place, chat in chats), default=0)

    async def sequence_of(self, web_chat: WebChat, platform_message_id: str) -> int:
        for message in self._store.messages.values():
            if (message.phone_number_id, message.platform_message_id) == (web_chat.id, platform_message_id):
                visitor = self._store.conversations[message.conversation_id].customer.address
                chats = [chat.id for chat in self._chats(web_chat, visitor)]
                return chats.index(message.conversation_id) * STEP + message.sequence_number
        raise NotFound("message")

    def _number(self, web_chat_id: UUID) -> PhoneNumber:
        number = self._store.phone_numbers.get(web_chat_id)
        if number is None or number.type is not ChannelType.WEBCHAT:
            raise NotFound("web chat")
        return number

    def _chats(self, web_chat: WebChat, visitor: str) -> list[Conversation]:
        chats = [
            chat
            for chat in self._store.conversations.values()
            if chat.phone_number_id == web_chat.id and chat.customer.address == visitor
        ]
        return sorted(chats, key=lambda chat: (chat.created_at, chat.id))


def _own_id(visitor: str, author: str, platform_message_id: str | None) -> str | None:
    return platform_message_id.removeprefix(f"{visitor}:") if author == "customer" and platform_message_id else None
