"""Conversations and messages in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.conversations import ConversationFilter, MessageFilter
from domain.conversations import Conversation, Customer, Message, PauseReason
from domain.media import StoredMedium
from domain.shared import NotFound
from tests.fakes.memory_store import MemoryStore
from tests.fakes.pages import page_of


class MemoryConversations:
    """Reads what the inbox and the turns put into the store."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def get(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        conversation = self._store.conversations.get(conversation_id)
        if conversation is None or self._store.owner_of(conversation) != user_id:
            raise NotFound("conversation")
        return self._store.shown(conversation)

    async def list(self, user_id: UUID, wanted: ConversationFilter, page: PageRequest) -> Page[Conversation]:
        own = [row for row in self._store.conversations.values() if self._store.owner_of(row) == user_id]
        return page_of([row for row in map(self._store.shown, own) if _is_wanted(row, wanted)], page)

    async def archive(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        conversation = await self.get(user_id, conversation_id)
        return self._store.archive(conversation)

    async def pending(self, phone_number_id: UUID) -> int:
        return sum(
            row.phone_number_id == phone_number_id and row.status == "received" and row.turn_id is None
            for row in self._store.messages.values()
        )

    async def pause(
        self, user_id: UUID, conversation_id: UUID, minutes: float | None, reason: PauseReason
    ) -> Conversation:
        conversation = await self.get(user_id, conversation_id)
        until = None if minutes is None else self._store.clock.now() + timedelta(minutes=minutes)
        self._store.conversations[conversation_id] = replace(conversation, paused_until=until, paused_reason=reason)
        return await self.get(user_id, conversation_id)

    async def resume(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        conversation = replace(await self.get(user_id, conversation_id), paused_until=None, paused_reason=None)
        self._store.conversations[conversation_id] = conversation
        return conversation

    async def since(self, user_id: UUID, conversation_id: UUID, after: int, limit: int) -> Sequence[Message]:
        found = [
            replace(row, media=self._media_of(row))
            for row in self._store.messages.values()
            if row.conversation_id == conversation_id and self._store.owner_of(row) == user_id
        ]
        behind = [row for row in found if row.sequence_number > after]
        return sorted(behind, key=lambda row: row.sequence_number)[:limit]

    async def messages(self, user_id: UUID, wanted: MessageFilter, page: PageRequest) -> Page[Message]:
        own = [row for row in self._store.messages.values() if self._store.owner_of(row) == user_id]
        listed = page_of([row for row in own if self._is_wanted_message(row, wanted)], page)
        return Page([replace(row, media=self._media_of(row)) for row in listed.items], listed.next_cursor)

    def _media_of(self, message: Message) -> tuple[StoredMedium, ...]:
        files = [one.stored for one in self._store.media.values() if one.stored.message_id == message.id]
        return tuple(sorted(files, key=lambda one: one.place))

    def _is_wanted_message(self, message: Message, wanted: MessageFilter) -> bool:
        conversation = self._store.shown(self._store.conversations[message.conversation_id])
        return (
            wanted.conversation_id in {None, message.conversation_id}
            and wanted.phone_number_id in {None, message.phone_number_id}
            and wanted.direction in {None, message.direction}
            and wanted.status in {None, message.status}
            and (wanted.since is None or message.created_at >= wanted.since)
            and (wanted.until is None or message.created_at < wanted.until)
            and _is_named(conversation.customer, wanted.customer)
        )


def _is_wanted(conversation: Conversation, wanted: ConversationFilter) -> bool:
    return (
        wanted.status in {None, conversation.status}
        and wanted.phone_number_id in {None, conversation.phone_number_id}
        and wanted.agent_id in {None, conversation.agent_id}
        and (wanted.active_since is None or conversation.last_activity_at >= wanted.active_since)
        and _is_named(conversation.customer, wanted.customer)
    )


def _is_named(customer: Customer, name: str | None) -> bool:
    return name in {None, customer.address, str(customer.id)}
