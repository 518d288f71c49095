"""A visitor writes: stored through the same inbox as every other message, then queued."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.alerting import Overflow
from application.channels.accept_webhook import admit_stored
from application.ports.clock import Clock
from application.ports.inbox import Inbox
from application.ports.live import Changed, LiveChannel, Topic
from application.ports.rate_limits import Rate, RateLimits
from application.ports.turn_queue import TurnQueue
from application.ports.web_chats import WebChats
from application.telling import tell_of_stored
from domain.channels import ChannelType, InboundMessage
from domain.shared import TooFast
from domain.webchat import Session, WebChat, checked_message

MESSAGES_PER_VISITOR = Rate(per_minute=20, burst=5)


@dataclass(frozen=True, slots=True)
class WriteInChat:
    """Returns only after the message is committed; until then the browser keeps it."""

    inbox: Inbox
    queue: TurnQueue
    web_chats: WebChats
    live: LiveChannel
    limits: RateLimits
    clock: Clock
    overflow: Overflow

    async def __call__(self, web_chat: WebChat, session: Session, own_id: UUID, text: str) -> int:
        """Store the visitor's message, once for each `own_id`; its sequence number.

        Raises InvalidInput, TooFast or Unavailable, and NotFound when the web chat was removed meanwhile.
        """
        text = checked_message(text)
        allowance = await self.limits.take(_limited(session), MESSAGES_PER_VISITOR)
        if allowance.wait_seconds > 0:
            raise TooFast("Messages come too fast.", allowance.wait_seconds)
        message = self._message(session, own_id, text)
        stored = await self.inbox.accept([message])
        await admit_stored(self.queue, stored, self.overflow)
        self.live.publish(Topic(web_chat.id, session.visitor), Changed())
        tell_of_stored(self.live, stored)
        return await self.web_chats.sequence_of(web_chat, message.platform_message_id)

    def _message(self, session: Session, own_id: UUID, text: str) -> InboundMessage:
        return InboundMessage(
            channel=ChannelType.WEBCHAT,
            account=str(session.web_chat_id),
            address=session.visitor,
            name=session.name,
            platform_message_id=f"{session.visitor}:{own_id}",
            type="text",
            text=text,
            written_at=self.clock.now(),
        )


def _limited(session: Session) -> str:
    return f"chat messages of {session.web_chat_id} {session.visitor}"
