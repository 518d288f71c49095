"""Failed messages taken up again, in memory."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from application.ports.answers import Once
from application.ports.clock import Ids
from domain.conversations import InboundStatus, Message, OutboundStatus, TurnStatus
from domain.credits import EntryKind
from domain.delivery import AgentGone, NotFailed, TurnUnderWay
from domain.shared import NotFound
from tests.fakes.answers import done_once
from tests.fakes.memory_store import MemoryStore, StoredTurn


class MemoryRetries:
    """Each call is whole: nothing is awaited inside."""

    def __init__(self, store: MemoryStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def retry(self, user_id: UUID, message_id: UUID, once: Once[Message] | None) -> Message:
        message = self._store.messages.get(message_id)
        if message is None or self._store.owner_of(message) != user_id:
            raise NotFound("message")
        return done_once(self._store, user_id, once, lambda: self._retried(user_id, message))

    def _retried(self, user_id: UUID, message: Message) -> Message:
        failed = self._store.turns.get(message.turn_id) if message.turn_id else None
        if message.direction != "outbound" or message.status != OutboundStatus.FAILED or failed is None:
            raise NotFailed("It did not fail.")
        if any(
            (turn.conversation_id, turn.status) == (message.conversation_id, TurnStatus.OPEN)
            for turn in self._store.turns.values()
        ):
            raise TurnUnderWay("It is being answered now.")
        if failed.agent_id not in self._store.agents:
            raise AgentGone("It was removed.")
        turn = replace(
            failed, id=self._ids.new(), worker_id=None, status=TurnStatus.OPEN, begun_at=self._store.clock.now()
        )
        turn.fence, turn.attempts, turn.crashes, turn.ended_at = 1, 1, 0, None
        self._store.charge(turn, EntryKind.HOLD)
        self._store.turns[turn.id] = turn
        return self._taken_over(failed, turn, message)

    def _taken_over(self, failed: StoredTurn, turn: StoredTurn, message: Message) -> Message:
        for one in [one for one in self._store.messages.values() if one.turn_id == failed.id]:
            if one.direction == "inbound":
                self._store.messages[one.id] = replace(
                    one, turn_id=turn.id, status=InboundStatus.RECEIVED, reason=None, error=None
                )
            elif one.id == message.id or self._goes_with(one, message):
                self._take_up(one, turn)
        return self._store.messages[message.id]

    def _goes_with(self, part: Message, message: Message) -> bool:
        """Whether it is a later part of the same reply that failed too."""
        is_later = part.sequence_number > message.sequence_number
        return is_later and part.status == OutboundStatus.FAILED and part.type == message.type

    def _take_up(self, part: Message, turn: StoredTurn) -> None:
        if part.platform_message_id:
            self._store.former_platform_message_ids[part.id].add(part.platform_message_id)
        self._store.messages[part.id] = replace(part, turn_id=turn.id, status_times={}, pricing=None)
        self._store.change_status(part.id, OutboundStatus.PENDING, platform_message_id=None, error=None)
