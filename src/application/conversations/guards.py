"""Guards before the two providers: while one is out, turns wait instead of hammering it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from application.alerting import ProviderWatch
from application.ports.briefings import Briefing
from application.ports.channel_gateway import ChannelGateway, OutboundText
from application.ports.language_model import LanguageModel, ModelConversation, ModelRequest
from domain.answers import ModelOutcome, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.channels import ChannelType, Template
from domain.conversations import Said
from domain.delivery import Ambiguous, Deferred, Pace, SendOutcome
from domain.pacing import Rests

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
    """A platform behind a breaker, and phone numbers that rest when the platform tells them to slow down.

    Held back, a message is Deferred: it was surely not sent. Each process minds its own phone numbers' rests.
    """

    gateway: ChannelGateway
    watch: ProviderWatch
    rests: Rests = field(default_factory=Rests)

    def worded(self, channel: ChannelType, text: str) -> Sequence[str]:
        """The text as the platform shows it; see the port."""
        return self.gateway.worded(channel, text)

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """Hand the message over; see the port."""
        return await self._guarded(briefing, lambda: self.gateway.send(briefing, message))

    async def send_template(self, briefing: Briefing, message: OutboundText, template: Template) -> SendOutcome:
        """Hand the template over; see the port."""
        return await self._guarded(briefing, lambda: self.gateway.send_template(briefing, message, template))

    async def show_typing(self, briefing: Briefing, address: str, platform_message_id: str) -> None:
        """Show a sign of life, unless nothing may be sent now; see the port."""
        is_out = briefing.channel.needs_token and self.watch.breaker.is_open
        if self._rest_seconds(briefing) == 0 and not is_out:
            await self.gateway.show_typing(briefing, address, platform_message_id)

    async def _guarded(self, briefing: Briefing, call: Callable[[], Awaitable[SendOutcome]]) -> SendOutcome:
        if not briefing.channel.needs_token:
            return await call()  # no platform that could be out
        rest_seconds = self._rest_seconds(briefing)
        if rest_seconds > 0:
            return Deferred({"detail": "The phone number was told to slow down."}, rest_seconds, pace=Pace.NUMBER)
        wait_seconds = self.watch.wait_seconds()
        if wait_seconds > 0:
            return Deferred({"detail": "The platform is out."}, wait_seconds)
        outcome = await call()
        self.rests.note(_sender(briefing), outcome, self.watch.clock.now())
        is_outage = isinstance(outcome, Ambiguous) or (isinstance(outcome, Deferred) and outcome.is_outage)
        await self.watch.note(failed=is_outage)
        return outcome

    def _rest_seconds(self, briefing: Briefing) -> float:
        return self.rests.wait_seconds(_sender(briefing), self.watch.clock.now())


def _sender(briefing: Briefing) -> tuple[ChannelType, str]:
    return briefing.channel, briefing.account
