"""The model that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.ports.briefings import Briefing
from domain.answers import ModelOutcome, NotAnswered, TryAgain, Uncertain


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call: what the customer said, in order, in which conversation, and how long it may take.

    `customer` is a stable pseudonym: the provider can tell customers apart and never learns who they are.
    """

    briefing: Briefing
    model_conversation_id: str
    turn_id: UUID
    customer: str
    questions: tuple[str, ...]
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class ModelConversation:
    """A conversation the model remembers."""

    id: str


class LanguageModel(Protocol):
    """Calls are never repeated inside: one call out for each call in."""

    async def open_conversation(
        self, conversation_id: UUID, timeout_seconds: float
    ) -> ModelConversation | TryAgain | Uncertain | NotAnswered:
        """Open a conversation for one of ours. One that is opened and forgotten does no harm."""
        ...

    async def answer(self, request: ModelRequest) -> ModelOutcome:
        """What the model says; every failure is one of the outcomes, never an exception."""
        ...
