"""How much is to be done, in memory."""

from __future__ import annotations

from datetime import timedelta

from domain.conversations import Conversation, ConversationStatus, InboundStatus, Message, TurnStatus
from domain.scaling import BacklogSize
from tests.fakes.memory_store import MemoryStore


class MemoryBacklog:
    """Counts what stands in a store."""

    def __init__(self, store: MemoryStore, quiet_seconds: float = 0) -> None:
        self._store = store
        self._quiet = timedelta(seconds=quiet_seconds)

    async def size(self) -> BacklogSize:
        async with self._store.call():
            now = self._store.clock.now()
            due = [one for one in self._answerable() if one.created_at <= now - self._quiet]
            open_turns = [turn for turn in self._store.turns.values() if turn.status is TurnStatus.OPEN]
            taken = {turn.conversation_id for turn in open_turns}
            ages = [now - self._quiet - one.created_at for one in due if one.conversation_id not in taken]
            in_flight = sum(self._store.workers.get(turn.worker_id, now) > now for turn in open_turns)
            return BacklogSize(len(due), max(ages, default=timedelta()).total_seconds(), in_flight)

    def _answerable(self) -> list[Message]:
        return [
            message
            for conversation in self._store.conversations.values()
            if self._is_answered(conversation)
            for message in self._store.messages_of(conversation.id)
            if message.status == InboundStatus.RECEIVED and message.turn_id is None
        ]

    def _is_answered(self, conversation: Conversation) -> bool:
        is_active = conversation.status is ConversationStatus.ACTIVE and conversation.agent_id is not None
        is_heard = self._store.is_answering(conversation.phone_number_id)
        return is_active and is_heard and not self._store.is_paused(conversation.id)
