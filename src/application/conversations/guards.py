"""Guards before the two providers: while one is out, turns wait instead of hammering it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from application.alerting import ProviderWatch
from application.ports.briefings import Briefing
from application.ports.channel_gateway import ChannelGateway, OutboundText
from application.ports.language_model import LanguageModel, ModelConversation, ModelRequest
from domain.answers import ModelOutcome, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.conversations import Said
from domain.delivery import Ambiguous, Deferred, SendOutcome

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GuardedModel:
    """A model behind a breaker. Held back, a call is a TryAgain that says when."""

    model: LanguageModel
    watch: ProviderWatch

    async def open_conversation(
        self, conversation_id: UUID, said: Sequence[Said], timeout_seconds: float
    ) -> ModelConversation | TryAgain | Uncertain | NotAnswered:
        """Open a conversation; see the port."""
        return await self._guarded(lambda: self.model.open_conversation(conversation_id, said, timeout_seconds))

    async def answer(self, request: ModelRequest) -> ModelOutcome:
        """What the model says; see the port."""
        return await self._guarded(lambda: self.model.answer(request))

    async def recall(self, request: ModelRequest) -> ModelOutcome | NotHeard:
        """What became of an earlier call; see the port."""
        return await self._guarded(lambda: self.model.recall(request))

    async def _guarded(self, call: Callable[[], Awaitable[T]]) -> T | TryAgain:
        wait_seconds = self.watch.wait_seconds()
        if wait_seconds > 0:
            return TryAgain("The model's provider is out.", wait_seconds)
        outcome = await call()
        is_outage = isinstance(outcome, Uncertain) or (isinstance(outcome, TryAgain) and outcome.is_outage)
        await self.watch.note(failed=is_outage)
        return outcome


@dataclass(frozen=True, slots=True)
class GuardedGateway:
    """A platform behind a breaker. Held back, a message is Deferred: it was surely not sent."""

    gateway: ChannelGateway
    watch: ProviderWatch

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """Hand the message over; see the port."""
        if not briefing.channel.needs_token:
            return await self.gateway.send(briefing, message)  # no platform that could be out
        wait_seconds = self.watch.wait_seconds()
        if wait_seconds > 0:
            return Deferred({"detail": "The platform is out."}, wait_seconds)
        outcome = await self.gateway.send(briefing, message)
        is_outage = isinstance(outcome, Ambiguous) or (isinstance(outcome, Deferred) and outcome.is_outage)
        await self.watch.note(failed=is_outage)
        return outcome
