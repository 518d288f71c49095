"""Conversations whose pauses are noted for the judge, as they took effect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.conversations import Conversation
from tests.fakes.conversations import MemoryConversations
from tests.fakes.memory_store import MemoryStore


@dataclass(slots=True)
class Pause:
    """A time in which no turn may begin in a conversation."""

    conversation_id: UUID
    since: datetime
    until: datetime


class NotedConversations(MemoryConversations):
    """`pauses` is the journal the judge reads."""

    def __init__(self, store: MemoryStore, pauses: list[Pause]) -> None:
        super().__init__(store)
        self._pauses = pauses

    async def pause(self, user_id: UUID, conversation_id: UUID, *how: Any) -> Conversation:
        paused = await super().pause(user_id, conversation_id, *how)
        self._end(conversation_id)
        now = self._store.clock.now()
        self._pauses.append(Pause(conversation_id, now, paused.paused_until or now))
        return paused

    async def resume(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        self._end(conversation_id)
        return await super().resume(user_id, conversation_id)

    def _end(self, conversation_id: UUID) -> None:
        for pause in self._pauses:
            if pause.conversation_id == conversation_id:
                pause.until = min(pause.until, self._store.clock.now())
