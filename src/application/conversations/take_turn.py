"""The turn: begun and paid for, asked, written down, sent, settled. No transaction is open in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.alerting import raise_quietly
from application.ports.alerts import Alerts
from application.ports.briefings import Briefing, Briefings
from application.ports.channel_gateway import ChannelGateway, OutboundText
from application.ports.clock import Clock, Ids
from application.ports.language_model import SAID_MAX, Asked, LanguageModel, Listener, ModelConversation, ModelRequest
from application.ports.live import LiveChannel
from application.ports.turns import NotYet, ReplyRecord, TurnLost, Turns
from application.webchat.streaming import listener_for
from domain.answers import Answered, Forgotten, ModelOutcome, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.conversations import (
    CRASHES_MAX,
    LaneScope,
    OutboundStatus,
    StoredReply,
    Turn,
    UnansweredReason,
    pseudonym,
)
from domain.delivery import (
    Ambiguous,
    Deferred,
    Refused,
    Settlement,
    backoff_seconds,
    settlement_of_send,
    settlement_without_reply,
)
from domain.monitoring import AlertKind

TURN_SECONDS_MAX = 120.0
"""A turn that has not been answered after this long is given up, with that as its reason."""
CALL_SECONDS_MAX = 60.0
"""How long one call to the model may take before it counts as broken off."""
SEND_SECONDS_MAX = 20.0
"""How long one call to the platform may take before its outcome counts as unknown."""
FRESH_SECONDS = 2.0
"""How long the store's word that a turn is ours is good for a call that cannot be taken back."""


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """Answers one conversation, turn after turn, until the customer has nothing unanswered."""

    turns: Turns
    briefings: Briefings
    model: LanguageModel
    gateway: ChannelGateway
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
                more = (await self.turns.settle(turn, settlement)).more
            except TurnLost:
                return settled
            settled += 1
            if settlement.reason is UnansweredReason.SET_ASIDE:
                await self._tell_of(turn)
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

    async def _tell_of(self, turn: Turn) -> None:
        detail = f"{turn.crashes} workers ended while they answered it."
        subject = str(turn.questions[0].message_id)
        await raise_quietly(self.alerts, AlertKind.MESSAGE_SET_ASIDE, subject, turn.user_id, detail)

    async def _settlement(self, turn: Turn, begun_at: datetime) -> Settlement:
        if turn.reply is not None and turn.reply.status is not OutboundStatus.PENDING:
            # An earlier worker had begun to send. Only the platform knows whether it did, whatever changed since.
            return settlement_of_send(Ambiguous({"detail": "The worker that was sending it is gone."}))
        if turn.crashes >= CRASHES_MAX:
            return _given_up(UnansweredReason.SET_ASIDE, f"{turn.crashes} workers ended with it in hand.")
        briefing = await self.briefings.brief(turn.agent_id, turn.phone_number_id)
        if briefing is None:
            return _given_up(UnansweredReason.AGENT_GONE, "The agent was removed.")
        if briefing.access_token is None and briefing.channel.needs_token:
            return _given_up(UnansweredReason.UNCONNECTED, "Nothing can be sent without a token.")
        return await self._answered(turn, briefing, begun_at)

    async def _answered(self, turn: Turn, briefing: Briefing, begun_at: datetime) -> Settlement:
        """Ask, write down and send; or only send, when an earlier worker had written the reply down already."""
        deadline = begun_at + timedelta(seconds=TURN_SECONDS_MAX)
        if turn.reply is not None:
            await self._about_to_send(turn)
            return await self._deliver(turn, briefing, turn.reply, deadline)
        outcome = await self._ask(turn, briefing, begun_at, deadline)
        if isinstance(outcome, NotAnswered):
            return settlement_without_reply(outcome)
        reply = await self._write_down(turn, briefing, outcome)
        return await self._deliver(turn, briefing, reply, deadline)

    async def _ask(
        self, turn: Turn, briefing: Briefing, confirmed_at: datetime, deadline: datetime
    ) -> Answered | NotAnswered:
        """Ask until the model answers for good, waiting longer and longer between, up to the deadline.

        After a call whose end nobody saw (ours, or that of a worker that is gone) the conversation is looked into
        before the next one: the model must not hear a message twice. For the same reason a worker that waited, or
        stood still, asks the store first whether the turn is still its own.
        """
        conversation_id, last_item_id = turn.openai_conversation_id, turn.last_item_id
        may_have_heard = was_unseen = turn.attempts > 1
        attempt = 0
        while (seconds_left := min(CALL_SECONDS_MAX, self._seconds_until(deadline))) > 0:
            outcome: ModelOutcome | ModelConversation | NotHeard
            if not self._is_fresh(confirmed_at):
                confirmed_at, may_have_heard = self.clock.now(), was_unseen
                await self.turns.confirm(turn, FRESH_SECONDS)
                continue
            if conversation_id is None:
                outcome = await self._open_conversation(turn, seconds_left)
            else:
                listener = listener_for(self.live, briefing.channel, turn.phone_number_id, turn.address, turn.id)
                request = _request(turn, briefing, conversation_id, last_item_id, seconds_left, listener)
                outcome = await self._ask_once(request, may_have_heard=may_have_heard)
            match outcome:
                case Answered() | NotAnswered():
                    return outcome
                case ModelConversation(conversation_id, last_item_id):
                    await self.turns.attach_model_conversation(turn, conversation_id, last_item_id)
                    may_have_heard = was_unseen = False
                case NotHeard():
                    may_have_heard = False
                case Forgotten():
                    attempt += 1
                    conversation_id = None
                    if attempt > 1:
                        await self._wait_or_reach(deadline, attempt, None)
                case TryAgain() | Uncertain():
                    attempt += 1
                    # A locked conversation is answering an earlier call of ours: it will have heard.
                    is_unseen = isinstance(outcome, Uncertain) or outcome.is_locked
                    was_unseen, may_have_heard = was_unseen or is_unseen, may_have_heard or is_unseen
                    await self._wait_or_reach(deadline, attempt, outcome.after_seconds)
        return NotAnswered(UnansweredReason.DEADLINE, f"The model gave no answer within {TURN_SECONDS_MAX:g} s.")

    async def _ask_once(self, request: ModelRequest, *, may_have_heard: bool) -> ModelOutcome | NotHeard:
        return await (self.model.recall(request) if may_have_heard else self.model.answer(request))

    async def _open_conversation(
        self, turn: Turn, timeout_seconds: float
    ) -> ModelConversation | TryAgain | Uncertain | NotAnswered:
        """A new conversation of the model's, told what was said before: the provider may have lost the last one."""
        is_first = turn.questions[0].sequence_number == 1
        said = () if is_first else await self.turns.transcript(turn, SAID_MAX)
        return await self.model.open_conversation(turn.conversation_id, said, timeout_seconds)

    async def _write_down(self, turn: Turn, briefing: Briefing, answer: Answered) -> StoredReply:
        reply = ReplyRecord(
            message_id=self.ids.new(),
            text=answer.text,
            prompt_id=briefing.prompt_id,
            prompt_version=briefing.prompt_version,
            model=answer.model,
            response_id=answer.response_id,
            usage=answer.usage,
            last_item_id=answer.last_item_id,
        )
        asked_at = self.clock.now()
        await self.turns.record_reply(turn, reply)
        if not self._is_fresh(asked_at):
            await self._about_to_send(turn)
        return StoredReply(reply.message_id, reply.text, OutboundStatus.SENDING)

    async def _deliver(self, turn: Turn, briefing: Briefing, reply: StoredReply, deadline: datetime) -> Settlement:
        """Send the reply, again only while the platform says that it has not taken it."""
        message = OutboundText(reply.message_id, turn.address, reply.text, SEND_SECONDS_MAX)
        attempt = 0
        while isinstance(outcome := await self.gateway.send(briefing, message), Deferred):
            attempt += 1
            await self.turns.mark_reply(turn, OutboundStatus.PENDING)
            await self._wait_or_reach(deadline, attempt, outcome.after_seconds)
            if self._seconds_until(deadline) <= 0:
                return settlement_of_send(Refused(outcome.error))
            await self._about_to_send(turn)
        return settlement_of_send(outcome)

    async def _about_to_send(self, turn: Turn) -> None:
        """Note the attempt; again when noting it took so long that the turn may be another worker's by now."""
        asked_at = self.clock.now()
        await self.turns.mark_reply(turn, OutboundStatus.SENDING)
        while not self._is_fresh(asked_at):
            asked_at = self.clock.now()
            await self.turns.mark_reply(turn, OutboundStatus.SENDING)

    async def _wait_or_reach(self, deadline: datetime, attempt: int, asked_seconds: float | None) -> None:
        wait_seconds = backoff_seconds(attempt, self.ids.fraction(), asked_seconds)
        await self.clock.sleep(min(wait_seconds, max(0.0, self._seconds_until(deadline))))

    def _is_fresh(self, confirmed_at: datetime) -> bool:
        return self.clock.now() - confirmed_at <= timedelta(seconds=FRESH_SECONDS)

    def _seconds_until(self, deadline: datetime) -> float:
        return (deadline - self.clock.now()).total_seconds()


def _request(
    turn: Turn,
    briefing: Briefing,
    model_conversation_id: str,
    last_item_id: str | None,
    timeout_seconds: float,
    listener: Listener | None,
) -> ModelRequest:
    return ModelRequest(
        briefing=briefing,
        model_conversation_id=model_conversation_id,
        turn_id=turn.id,
        customer=pseudonym(turn.user_id, turn.address),
        questions=tuple(Asked(question.text) for question in turn.questions),
        timeout_seconds=timeout_seconds,
        last_item_id=last_item_id,
        listener=listener,
    )


def _given_up(reason: UnansweredReason, detail: str) -> Settlement:
    return settlement_without_reply(NotAnswered(reason, detail))
