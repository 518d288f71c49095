"""Handing a reply to the platform: part after part, each one only when the one before it has been taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from application.conversations.patience import Patience
from application.ports.briefings import Briefing
from application.ports.channel_gateway import ChannelGateway, OutboundText
from application.ports.live import LiveChannel
from application.ports.turns import Turns
from application.telling import tell_of
from domain.channels import ChannelType, Template
from domain.conversations import OutboundStatus, StoredReply, Turn
from domain.delivery import (
    Accepted,
    Ambiguous,
    Deferred,
    Parked,
    Refused,
    SendOutcome,
    Settlement,
    settlement_of_send,
)
from domain.windows import is_window_open

TAKING_SECONDS_MAX = 900.0
"""How long a reply is offered to a platform that puts it off: an outage ends, and the customer still waits."""
SEND_SECONDS_MAX = 20.0
"""How long one call to the platform may take before its outcome counts as unknown."""
WINDOW_CLOSED = Refused({"detail": "The window for free text has closed."}, is_window=True)


@dataclass(frozen=True, slots=True)
class HeldUp:
    """The platform takes nothing from the phone number: this part waits until a person has acted."""

    message_id: UUID
    outcome: Parked
    token_version: UUID | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What is to be sent in a turn: the parts that are left, until when, and the customer's message to quote.

    `is_begun` tells that the platform has taken an earlier part.
    """

    turn: Turn
    briefing: Briefing
    parts: Sequence[StoredReply]
    deadline: datetime
    reply_to: str | None = None
    is_begun: bool = False


@dataclass(frozen=True, slots=True)
class DeliverReply:
    """Sends what has been written down."""

    turns: Turns
    gateway: ChannelGateway
    patience: Patience
    live: LiveChannel

    async def __call__(self, reply: Reply) -> Settlement | HeldUp:
        """Send the parts in order, and tell how the turn ends. Raises TurnLost."""
        part, *rest = reply.parts
        outcome = await self._handed_over(reply, part)
        while rest and isinstance(outcome, Accepted):
            if not await self._pass_on(reply.turn, part, outcome, rest[0]):
                return settlement_of_send(Refused({"detail": "An earlier part was not delivered."}), rest[0].message_id)
            reply = replace(reply, is_begun=True)
            part, *rest = (replace(rest[0], status=OutboundStatus.SENDING), *rest[1:])
            outcome = await self._handed_over(reply, part)
        if isinstance(outcome, Refused) and outcome.is_window and (template := _template(reply, part)):
            part, outcome = await self._sent_instead(reply, part, template)
        if isinstance(outcome, Parked):
            return HeldUp(part.message_id, outcome, reply.briefing.token_version)
        return settlement_of_send(outcome, part.message_id)

    async def _handed_over(self, reply: Reply, part: StoredReply) -> Accepted | Refused | Ambiguous | Parked:
        """Send a part, again only while the platform says that it has not taken it."""
        if not self._may_send(reply, part):
            return WINDOW_CLOSED
        if part.status is OutboundStatus.PENDING:
            await self.about_to_send(reply.turn, part)
        attempt = 0
        while isinstance(outcome := await self._sent(reply, part), Deferred):
            attempt += 1
            await self.turns.mark_reply(reply.turn, part.message_id, OutboundStatus.PENDING)
            await self.patience.rest_or_reach(reply.deadline, attempt, outcome)
            if self.patience.seconds_until(reply.deadline) <= 0:
                return outcome.given_up()
            if not self._may_send(reply, part):
                return WINDOW_CLOSED
            await self.about_to_send(reply.turn, part)
        return outcome

    async def _sent(self, reply: Reply, part: StoredReply) -> SendOutcome:
        quoted = None if reply.is_begun or part.is_template else reply.reply_to
        question_id = reply.turn.questions[0].message_id
        message = OutboundText(part.message_id, reply.turn.address, part.text, SEND_SECONDS_MAX, quoted, question_id)
        if not part.is_template:
            return await self.gateway.send(reply.briefing, message)
        template = reply.briefing.settings.template
        if template is None:
            return WINDOW_CLOSED
        return await self.gateway.send_template(reply.briefing, message, template)

    async def _sent_instead(
        self, reply: Reply, part: StoredReply, template: Template
    ) -> tuple[StoredReply, Accepted | Refused | Ambiguous | Parked]:
        """Send the template in the place of a text that the window has closed on."""
        asked_at = self.patience.now()
        stand_in = StoredReply(part.message_id, text_of(template), OutboundStatus.SENDING, is_template=True)
        await self.turns.replace_reply(reply.turn, part.message_id, stand_in.text)
        if not self.patience.is_fresh(asked_at):
            await self.about_to_send(reply.turn, stand_in)
        return stand_in, await self._handed_over(reply, stand_in)

    async def _pass_on(self, turn: Turn, part: StoredReply, accepted: Accepted, following: StoredReply) -> bool:
        asked_at = self.patience.now()
        may_follow = await self.turns.pass_on(turn, part.message_id, accepted.platform_message_id, following.message_id)
        tell_of(self.live, turn.conversation_id)
        if may_follow and not self.patience.is_fresh(asked_at):
            await self.about_to_send(turn, following)
        return may_follow

    async def about_to_send(self, turn: Turn, part: StoredReply) -> None:
        """Note the attempt; again when noting it took so long that the turn may be another worker's by now."""
        asked_at = self.patience.now()
        await self.turns.mark_reply(turn, part.message_id, OutboundStatus.SENDING)
        while not self.patience.is_fresh(asked_at):
            asked_at = self.patience.now()
            await self.turns.mark_reply(turn, part.message_id, OutboundStatus.SENDING)

    def _may_send(self, reply: Reply, part: StoredReply) -> bool:
        return part.is_template or is_window_open(reply.briefing.channel, reply.turn.heard, self.patience.now())


def configured_template(briefing: Briefing) -> Template | None:
    """What is sent where the window has closed; only WhatsApp has templates."""
    return briefing.settings.template if briefing.channel is ChannelType.WHATSAPP else None


def text_of(template: Template) -> str:
    """What our record shows of it."""
    return f"[template {template.name}]"


def _template(reply: Reply, part: StoredReply) -> Template | None:
    """The template to try, once and only while the customer has got nothing of the reply."""
    return None if part.is_template or reply.is_begun else configured_template(reply.briefing)
