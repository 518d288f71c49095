"""What a person replies through us, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from application.ports.answers import Once
from application.ports.clock import Ids
from application.ports.replies_by_hand import Addressee
from domain.conversations import (
    Conversation,
    ConversationStatus,
    InboundStatus,
    Message,
    OutboundStatus,
    PauseReason,
    TurnStatus,
)
from domain.delivery import AgentGone, ConversationOver, TurnUnderWay, WindowClosed
from domain.shared import NotFound
from domain.windows import Heard
from tests.fakes.answers import done_once
from tests.fakes.memory_store import MemoryStore, StoredTurn

WAITING = {InboundStatus.RECEIVED, InboundStatus.BLOCKED}


class MemoryRepliesByHand:
    """Each call is whole: nothing is awaited inside."""

    def __init__(self, store: MemoryStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def addressee(self, user_id: UUID, conversation_id: UUID) -> Addressee:
        conversation = self._conversation(user_id, conversation_id)
        channel = self._store.phone_numbers[conversation.phone_number_id].type
        heard = self._heard(conversation_id)
        if heard is None:
            return Addressee(channel, None)
        written_at = self._store.written_times.get(heard.id, heard.created_at)
        is_credible = written_at > heard.created_at - timedelta(days=8)
        at = min(written_at, heard.created_at) if is_credible else heard.created_at
        return Addressee(channel, Heard(heard.sequence_number, at))

    async def write(self, user_id: UUID, conversation_id: UUID, text: str, once: Once[Message] | None) -> Message:
        return done_once(self._store, user_id, once, lambda: self._written(user_id, conversation_id, text))

    def _written(self, user_id: UUID, conversation_id: UUID, text: str) -> Message:
        conversation = self._conversation(user_id, conversation_id)
        self._must_be_open(conversation)
        turn = self._new_turn(user_id, conversation)
        for message in self._store.messages_of(conversation_id):
            if message.direction == "inbound" and message.turn_id is None and message.status in WAITING:
                self._store.messages[message.id] = replace(
                    message, turn_id=turn.id, status=InboundStatus.RECEIVED, reason=None
                )
        self._pause(conversation)
        return self._kept(conversation, turn, self._ids.new(), text)

    def _conversation(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        conversation = self._store.conversations.get(conversation_id)
        if conversation is None or self._store.owner_of(conversation) != user_id:
            raise NotFound("conversation")
        return conversation

    def _heard(self, conversation_id: UUID) -> Message | None:
        said = [one for one in self._store.messages_of(conversation_id) if one.direction == "inbound"]
        return said[-1] if said else None

    def _must_be_open(self, conversation: Conversation) -> None:
        if conversation.status is not ConversationStatus.ACTIVE:
            raise ConversationOver("It is archived.")
        if conversation.agent_id is None:
            raise AgentGone("It has no agent.")
        if self._heard(conversation.id) is None:
            raise WindowClosed("The customer has not written yet.")
        turns = self._store.turns.values()
        if any((one.conversation_id, one.status) == (conversation.id, TurnStatus.OPEN) for one in turns):
            raise TurnUnderWay("It is being answered now.")

    def _new_turn(self, user_id: UUID, conversation: Conversation) -> StoredTurn:
        assert conversation.agent_id
        turn = StoredTurn(
            id=self._ids.new(),
            user_id=user_id,
            conversation_id=conversation.id,
            phone_number_id=conversation.phone_number_id,
            agent_id=conversation.agent_id,
            worker_id=None,
            begun_at=self._store.clock.now(),
            price=0,
        )
        self._store.turns[turn.id] = turn
        return turn

    def _kept(self, conversation: Conversation, turn: StoredTurn, message_id: UUID, text: str) -> Message:
        now = self._store.clock.now()
        count = conversation.message_count + 1
        message = Message(
            id=message_id,
            conversation_id=conversation.id,
            phone_number_id=conversation.phone_number_id,
            sequence_number=count,
            direction="outbound",
            author="human",
            type="text",
            text=text,
            status=OutboundStatus.PENDING,
            reason=None,
            platform_message_id=None,
            turn_id=turn.id,
            error=None,
            created_at=now,
            status_times={OutboundStatus.PENDING: now.isoformat()},
        )
        self._store.messages[message_id] = message
        self._store.human_replies[conversation.id] = now.replace(microsecond=0)
        before = self._store.conversations[conversation.id]
        self._store.conversations[conversation.id] = replace(before, message_count=count, last_activity_at=now)
        return message

    def _pause(self, conversation: Conversation) -> None:
        minutes = self._store.settings_of(conversation.phone_number_id).human_pause_minutes
        until = self._store.clock.now() + timedelta(minutes=minutes)
        if minutes and not (self._store.is_paused(conversation.id) and (conversation.paused_until or until) >= until):
            self._store.conversations[conversation.id] = replace(
                conversation, paused_until=until, paused_reason=PauseReason.HUMAN_REPLIED
            )
