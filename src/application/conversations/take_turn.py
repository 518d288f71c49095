"""The turn: begun and paid for, asked, written down, sent, settled. No transaction is open in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from application.alerting import raise_quietly
from application.conversations.ask_model import TURN_SECONDS_MAX, AskModel
from application.conversations.asking import Asking
from application.conversations.deliver_reply import (
    TAKING_SECONDS_MAX,
    DeliverReply,
    HeldUp,
    Reply,
    configured_template,
    text_of,
)
from application.conversations.show_typing import ShowTyping
from application.ports.alerts import Alerts
from application.ports.briefings import Briefing, Briefings
from application.ports.clock import Clock, Ids
from application.ports.live import LiveChannel
from application.ports.turns import NotYet, ReplyPart, ReplyRecord, TurnLost, Turns
from application.telling import tell_of
from domain.answers import Answered, NotAnswered, Usage
from domain.channels import ChannelStatus
from domain.conversations import (
    CRASHES_MAX,
    LaneScope,
    OutboundStatus,
    StoredReply,
    Turn,
    UnansweredReason,
    first_not_taken,
    standing_parts,
)
from domain.delivery import (
    Accepted,
    Ambiguous,
    Refused,
    Settlement,
    settlement_of_send,
    settlement_without_reply,
)
from domain.loops import is_auto_replier
from domain.monitoring import AlertKind
from domain.windows import is_window_open


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """Answers one conversation, turn after turn, until the customer has nothing unanswered."""

    turns: Turns
    briefings: Briefings
    asking: Asking
    ask: AskModel
    deliver: DeliverReply
    show_typing: ShowTyping
    clock: Clock
    ids: Ids
    alerts: Alerts
    lane_scope: LaneScope
    live: LiveChannel

    async def __call__(self, conversation_id: UUID, worker_id: UUID) -> int:
        """Take the turns of a conversation that is waiting. Returns how many were settled.

        Raises Unavailable when the store is out of reach. The turn in hand stays open in the store, and another
        worker takes it over as soon as this one's lease no longer names it.
        """
        settled = 0
        while (begun := await self._begin(conversation_id, worker_id, at_once=settled > 0)) is not None:
            turn, begun_at = begun
            try:
                settlement = await self._settlement(turn, begun_at)
                if isinstance(settlement, HeldUp):
                    await self._park(turn, settlement)
                    return settled
                more = (await self.turns.settle(turn, settlement)).more
                tell_of(self.live, turn.conversation_id)
            except TurnLost:
                return settled
            settled += 1
            await self._tell_of(turn, settlement)
            if not more or self.lane_scope is LaneScope.PHONE_NUMBER:
                return settled  # in a lane of the whole number, what came meanwhile stands in the queue behind others
        return settled

    async def _begin(self, conversation_id: UUID, worker_id: UUID, *, at_once: bool) -> tuple[Turn, datetime] | None:
        """The conversation's turn, as soon as the customer has been quiet, and since when it is ours; or None."""
        asked_at = self.clock.now()
        while isinstance(begun := await self.turns.begin(conversation_id, worker_id, at_once=at_once), NotYet):
            await self.clock.sleep(begun.seconds)
            asked_at = self.clock.now()
        return (begun, asked_at) if isinstance(begun, Turn) else None

    async def _park(self, turn: Turn, held_up: HeldUp) -> None:
        """Hand the turn back, and tell the owner what the platform wants of them."""
        if not await self.turns.park(turn, held_up.message_id, held_up.outcome, held_up.token_version):
            return
        tell_of(self.live, turn.conversation_id)
        is_refused = held_up.outcome.status is ChannelStatus.UNAUTHORIZED
        kind = AlertKind.ACCESS_REFUSED if is_refused else AlertKind.CHANNEL_PARKED
        detail = f"The platform takes nothing from this phone number ({_code(held_up.outcome.error)})."
        await raise_quietly(self.alerts, kind, str(turn.phone_number_id), turn.user_id, detail)

    async def _tell_of(self, turn: Turn, settlement: Settlement) -> None:
        if settlement.reason is UnansweredReason.SET_ASIDE:
            detail = f"{turn.crashes} workers ended while they answered it."
            subject = str(turn.questions[0].message_id)
            await raise_quietly(self.alerts, AlertKind.MESSAGE_SET_ASIDE, subject, turn.user_id, detail)
        elif settlement.is_our_fault:
            detail = f"The platform calls what we asked of it wrong ({_code(settlement.error or {})})."
            subject = str(turn.phone_number_id)
            await raise_quietly(self.alerts, AlertKind.REQUEST_REFUSED, subject, turn.user_id, detail)
        elif settlement.reason is UnansweredReason.AUTO_REPLIER:
            detail = "Somebody's machine seems to answer ours: the conversation is paused until it is resumed."
            subject = str(turn.conversation_id)
            await raise_quietly(self.alerts, AlertKind.AUTO_REPLIER, subject, turn.user_id, detail)

    async def _settlement(self, turn: Turn, begun_at: datetime) -> Settlement | HeldUp:
        if (decided := _decided(turn)) is not None:
            return decided
        if turn.crashes >= CRASHES_MAX:
            return _given_up(UnansweredReason.SET_ASIDE, f"{turn.crashes} workers ended with it in hand.")
        if is_auto_replier(turn.lately):
            return _given_up(UnansweredReason.AUTO_REPLIER, "It seems to be written by a machine that answers ours.")
        briefing = await self.briefings.brief(turn.agent_id, turn.phone_number_id, turn.context_version)
        if briefing is None:
            return _given_up(UnansweredReason.AGENT_GONE, "The agent was removed.")
        if briefing.access_token is None and briefing.channel.needs_token:
            return _given_up(UnansweredReason.UNCONNECTED, "Nothing can be sent without a token.")
        return await self._answered(turn, briefing, begun_at)

    async def _answered(self, turn: Turn, briefing: Briefing, begun_at: datetime) -> Settlement | HeldUp:
        """Ask, write down and send; or only send, when an earlier worker had written the reply down already."""
        if turn.replies:
            return await self._go_on(turn, briefing)
        if not is_window_open(briefing.channel, turn.heard, self.clock.now()):
            return await self._answered_too_late(turn, briefing)
        typing = self.show_typing(turn, briefing)
        try:
            asked = await self.asking.asked(turn, briefing)
            deadline = begun_at + timedelta(seconds=TURN_SECONDS_MAX)
            outcome = await self.ask(turn, briefing, asked, begun_at, deadline)
            if isinstance(outcome, NotAnswered):
                return settlement_without_reply(outcome)
            return await self.deliver(await self._write_down(turn, briefing, outcome))
        finally:
            typing.stop()

    async def _go_on(self, turn: Turn, briefing: Briefing) -> Settlement | HeldUp:
        """Send what an earlier worker had written down, behind the last part that was taken."""
        parts = standing_parts(turn.replies)
        place = first_not_taken(parts)
        reply_to = turn.questions[-1].name_at_platform if turn.is_asked_again else None
        return await self.deliver(Reply(turn, briefing, parts[place:], self._deadline(), reply_to, is_begun=place > 0))

    async def _answered_too_late(self, turn: Turn, briefing: Briefing) -> Settlement | HeldUp:
        """Send the template, without asking the model; or nothing."""
        template = configured_template(briefing)
        if template is None:
            return _given_up(UnansweredReason.WINDOW_CLOSED, "The window for free text has closed.")
        part = ReplyPart(self.ids.new(), text_of(template), is_template=True)
        record = ReplyRecord((part,), None, None, None, None, Usage(), None)
        return await self.deliver(await self._recorded(turn, briefing, record))

    async def _write_down(self, turn: Turn, briefing: Briefing, answer: Answered) -> Reply:
        texts = self.deliver.gateway.worded(briefing.channel, answer.text)
        record = ReplyRecord(
            parts=tuple(ReplyPart(self.ids.new(), text) for text in texts),
            prompt_id=briefing.prompt_id,
            prompt_version=briefing.prompt_version,
            model=answer.model,
            response_id=answer.response_id,
            usage=answer.usage,
            last_item_id=answer.last_item_id,
        )
        return await self._recorded(turn, briefing, record)

    async def _recorded(self, turn: Turn, briefing: Briefing, record: ReplyRecord) -> Reply:
        """The reply, written down, its first part about to be sent."""
        asked_at = self.clock.now()
        recorded = await self.turns.record_reply(turn, record)
        tell_of(self.live, turn.conversation_id)
        first, *rest = (
            StoredReply(part.message_id, part.text, OutboundStatus.PENDING, part.is_template) for part in record.parts
        )
        if self.deliver.patience.is_fresh(asked_at):
            first = StoredReply(first.message_id, first.text, OutboundStatus.SENDING, first.is_template)
        reply_to = turn.questions[-1].name_at_platform if recorded.is_asked_again else None
        return Reply(turn, briefing, (first, *rest), self._deadline(), reply_to)

    def _deadline(self) -> datetime:
        """Until when the platform may put the reply off."""
        return self.clock.now() + timedelta(seconds=TAKING_SECONDS_MAX)


def _decided(turn: Turn) -> Settlement | None:
    """How the turn ends when an earlier worker had begun to send, whatever changed since; None when one can go on."""
    if not turn.replies:
        return None
    parts = standing_parts(turn.replies)
    for part in parts:
        if part.status in {OutboundStatus.SENDING, OutboundStatus.UNKNOWN}:
            # Only the platform knows whether it was sent, also where it has reported of an earlier part.
            gone = Ambiguous({"detail": "The worker that was sending it is gone."})
            return settlement_of_send(gone, part.message_id)
    place = first_not_taken(parts)
    if place == len(parts):
        return settlement_of_send(Accepted(None), parts[-1].message_id)
    if parts[place].status is OutboundStatus.FAILED:
        return settlement_of_send(Refused({"detail": "It was not delivered."}), parts[place].message_id)
    return None


def _given_up(reason: UnansweredReason, detail: str) -> Settlement:
    return settlement_without_reply(NotAnswered(reason, detail))


def _code(error: dict[str, Any]) -> str:
    """The platform's number for it, which is all that may be told of what it said."""
    codes = [str(error[name]) for name in ("code", "subcode") if error.get(name) is not None]
    return " ".join(["code", *codes]) if codes else "without a code"
