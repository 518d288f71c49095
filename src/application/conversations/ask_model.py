"""Asking the model until it has answered for good, and never telling it anything twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from application.conversations.patience import FRESH_SECONDS, Patience
from application.ports.briefings import Briefing
from application.ports.language_model import (
    SAID_MAX,
    Asked,
    LanguageModel,
    Listener,
    ModelConversation,
    ModelRequest,
)
from application.ports.live import LiveChannel
from application.ports.turns import Turns
from application.webchat.streaming import listener_for
from domain.answers import Answered, Forgotten, ModelOutcome, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.conversations import Turn, UnansweredReason, pseudonym

TURN_SECONDS_MAX = 120.0
"""A turn that has not been answered after this long is given up, with that as its reason."""
CALL_SECONDS_MAX = 60.0
"""How long one call to the model may take before it counts as broken off."""


@dataclass(frozen=True, slots=True)
class AskModel:
    """Asks one turn's questions."""

    turns: Turns
    model: LanguageModel
    patience: Patience
    live: LiveChannel

    async def __call__(
        self, turn: Turn, briefing: Briefing, asked: tuple[Asked, ...], confirmed_at: datetime, deadline: datetime
    ) -> Answered | NotAnswered:
        """Ask until the model answers for good, waiting longer and longer between, up to the deadline.

        After a call whose end nobody saw (ours, or that of a worker that is gone) the conversation is looked into
        before the next one: the model must not hear a message twice. For the same reason a worker that waited, or
        stood still, asks the store first whether the turn is still its own. And where nothing was heard yet but the
        earlier call may still be under way, another conversation goes on: the late answer falls into the old one.
        """
        conversation_id, last_item_id = turn.openai_conversation_id, turn.last_item_id
        may_have_heard = was_unseen = may_run = turn.attempts > 1
        attempt = 0
        while (seconds_left := min(CALL_SECONDS_MAX, self.patience.seconds_until(deadline))) > 0:
            outcome: ModelOutcome | ModelConversation | NotHeard
            if not self.patience.is_fresh(confirmed_at):
                confirmed_at, may_have_heard = self.patience.now(), was_unseen
                await self.turns.confirm(turn, FRESH_SECONDS)
                continue
            if conversation_id is None:
                outcome = await self._open_conversation(turn, seconds_left)
            else:
                listener = listener_for(self.live, briefing.channel, turn.phone_number_id, turn.address, turn.id)
                request = _request(turn, briefing, conversation_id, asked, last_item_id, seconds_left, listener)
                outcome = await self._ask_once(request, may_have_heard=may_have_heard)
            match outcome:
                case Answered() | NotAnswered():
                    return outcome
                case ModelConversation(conversation_id, last_item_id):
                    await self.turns.attach_model_conversation(turn, conversation_id, last_item_id)
                    may_have_heard = was_unseen = may_run = False
                case NotHeard():
                    may_have_heard = False
                    conversation_id = None if may_run else conversation_id
                case Forgotten():
                    attempt += 1
                    conversation_id = None
                    if attempt > 1:
                        await self.patience.wait_or_reach(deadline, attempt, None)
                case TryAgain() | Uncertain():
                    attempt += 1
                    # A locked conversation is answering an earlier call of ours: it will have heard.
                    is_unseen = isinstance(outcome, Uncertain) or outcome.is_locked
                    was_unseen, may_have_heard = was_unseen or is_unseen, may_have_heard or is_unseen
                    may_run = may_run or _may_run(outcome)
                    await self.patience.wait_or_reach(deadline, attempt, outcome.after_seconds)
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


def _may_run(outcome: TryAgain | Uncertain) -> bool:
    """Whether a call to this conversation may still be under way, and answer it later."""
    return outcome.is_locked if isinstance(outcome, TryAgain) else not outcome.is_over


def _request(
    turn: Turn,
    briefing: Briefing,
    model_conversation_id: str,
    asked: tuple[Asked, ...],
    last_item_id: str | None,
    timeout_seconds: float,
    listener: Listener | None,
) -> ModelRequest:
    return ModelRequest(
        briefing=briefing,
        model_conversation_id=model_conversation_id,
        turn_id=turn.id,
        customer=pseudonym(turn.user_id, turn.address),
        questions=asked,
        timeout_seconds=timeout_seconds,
        last_item_id=last_item_id,
        listener=listener,
        question_id=turn.questions[0].message_id,
    )
