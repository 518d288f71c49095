"""The model that answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.ports.briefings import Briefing
from domain.answers import ModelOutcome, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.channels import MediumKind
from domain.conversations import Said

SAID_MAX = 20
"""What OpenAI takes when a conversation is opened."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A file that the model is shown with what was said. `mime_type` is one the model takes."""

    kind: MediumKind
    mime_type: str
    filename: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """One message of the customer's as the model is told it. `text` is never empty."""

    text: str
    shown: tuple[Shown, ...] = ()


Listener = Callable[[str], Awaitable[None]]
"""Hears an answer while it is being written: each time the text that was added. It must not raise."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call: what the customer said, in order, in which conversation, and how long it may take.

    `customer` is a stable pseudonym: the provider can tell customers apart and never learns who they are.
    `last_item_id` is the last item of the conversation that an earlier turn put there. With a `listener` the answer is
    streamed to it; what counts is still the outcome.
    """

    briefing: Briefing
    model_conversation_id: str
    turn_id: UUID
    customer: str
    questions: tuple[Asked, ...]
    timeout_seconds: float
    last_item_id: str | None = None
    listener: Listener | None = None


@dataclass(frozen=True, slots=True)
class ModelConversation:
    """A conversation the model remembers; `last_item_id` is the last thing it was told when it was opened."""

    id: str
    last_item_id: str | None = None


class LanguageModel(Protocol):
    """Calls are never repeated inside: one call out for each call in."""

    async def open_conversation(
        self, conversation_id: UUID, said: Sequence[Said], timeout_seconds: float
    ) -> ModelConversation | TryAgain | Uncertain | NotAnswered:
        """Open a conversation for one of ours that begins with what was `said` (at most SAID_MAX things).

        One that is opened and forgotten does no harm.
        """
        ...

    async def answer(self, request: ModelRequest) -> ModelOutcome:
        """What the model says; every failure is one of the outcomes, never an exception."""
        ...

    async def recall(self, request: ModelRequest) -> ModelOutcome | NotHeard:
        """What became of an earlier call whose end nobody saw. Asks nothing, only looks."""
        ...
