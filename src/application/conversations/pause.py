"""Silencing an agent in one conversation, and letting it speak again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from application.alerting import resolve_quietly
from application.ports.alerts import Alerts
from application.ports.conversations import Conversations
from application.ports.turn_queue import QueueUnavailable, TurnQueue
from application.ports.turns import Waiting
from domain.conversations import Conversation, PauseReason
from domain.monitoring import AlertKind
from domain.shared import InvalidInput
from domain.users import Caller

MINUTES_MAX = 525_600.0
"""A year. Whoever wants longer names no end."""


@dataclass(frozen=True, slots=True)
class PauseConversations:
    """A person takes over for a while. A turn under way is allowed to end; what comes meanwhile waits."""

    conversations: Conversations
    queue: TurnQueue
    alerts: Alerts

    async def pause(
        self, caller: Caller, user_id: UUID, conversation_id: UUID, minutes: float | None = None
    ) -> Conversation:
        """Silence the agent, without `minutes` until it is resumed. Raises NotFound or InvalidInput."""
        caller.must_write(user_id)
        if minutes is not None and not 0 < minutes <= MINUTES_MAX:
            raise InvalidInput("minutes", f"It must be more than 0 and at most {MINUTES_MAX:g}.")
        return await self.conversations.pause(user_id, conversation_id, minutes, PauseReason.BY_HAND)

    async def resume(self, caller: Caller, user_id: UUID, conversation_id: UUID) -> Conversation:
        """Let the agent answer, in order, what came meanwhile. Raises NotFound."""
        caller.must_write(user_id)
        conversation = await self.conversations.resume(user_id, conversation_id)
        await resolve_quietly(self.alerts, AlertKind.AUTO_REPLIER, str(conversation_id))
        with suppress(QueueUnavailable):  # the sweeper feeds the queue when that is back
            await self.queue.admit([Waiting(conversation_id, conversation.phone_number_id)])
        return conversation
