"""Guards before the two providers: while one is out, turns wait instead of hammering it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from application.ports.briefings import Briefing
from application.ports.channel_gateway import ChannelGateway, OutboundText
from application.ports.clock import Clock
from application.ports.language_model import LanguageModel, ModelConversation, ModelRequest
from domain.answers import ModelOutcome, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.breaker import Breaker
from domain.conversations import Said
from domain.delivery import Ambiguous, Deferred, SendOutcome

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GuardedModel:
    """A model behind a breaker. Held back, a call is a TryAgain that says when."""

    model: LanguageModel
    clock: Clock
    breaker: Breaker = field(default_factory=Breaker)

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
        wait_seconds = self.breaker.wait_seconds(self.clock.now())
        if wait_seconds > 0:
            return TryAgain("The model's provider is out.", wait_seconds)
        outcome = await call()
        if isinstance(outcome, Uncertain) or (isinstance(outcome, TryAgain) and outcome.is_outage):
            self.breaker.failed(self.clock.now())
        else:
            self.breaker.succeeded()
        return outcome


@dataclass(frozen=True, slots=True)
class GuardedGateway:
    """A platform behind a breaker. Held back, a message is Deferred: it was surely not sent."""

    gateway: ChannelGateway
    clock: Clock
    breaker: Breaker = field(default_factory=Breaker)

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """Hand the message over; see the port."""
        wait_seconds = self.breaker.wait_seconds(self.clock.now())
        if wait_seconds > 0:
            return Deferred({"detail": "The platform is out."}, wait_seconds)
        outcome = await self.gateway.send(briefing, message)
        if isinstance(outcome, Ambiguous) or (isinstance(outcome, Deferred) and outcome.is_outage):
            self.breaker.failed(self.clock.now())
        else:
            self.breaker.succeeded()
        return outcome
