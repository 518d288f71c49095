"""What a model can come back with, and what each outcome means for the turn."""

from __future__ import annotations

from dataclasses import dataclass

from domain.conversations import UnansweredReason


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens the provider counted for one call."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """The model's final message. `model` is the one that really spoke.

    `response_id` is the provider's; None for an answer that was found in the conversation later. `last_item_id` is
    the conversation's last item afterwards: what comes behind it belongs to later turns.
    """

    text: str
    response_id: str | None
    model: str
    usage: Usage
    last_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """The call ended and there is nothing to send. `detail` is for the business, without customer text."""

    reason: UnansweredReason
    detail: str
    last_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The provider did not take the call; nothing was said to the model.

    `after_seconds` is how long the provider asked us to wait, None when it did not say. `is_outage`: it would
    have refused anybody, so others need not try. `is_locked`: an earlier call is still being answered in the same
    conversation, and what it was asked will stand there when it is done.
    """

    detail: str
    after_seconds: float | None = None
    is_outage: bool = False
    is_locked: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The call broke off: the model may or may not have heard the question.

    `is_over`: the provider itself ended it, so nothing of it is under way any more.
    """

    detail: str
    after_seconds: float | None = None
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class NotHeard:
    """Looked up afterwards: the model has not heard these questions, so they may be asked."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The provider no longer has the conversation. Another one can be seeded from our own record."""

    detail: str


ModelOutcome = Answered | NotAnswered | TryAgain | Uncertain | Forgotten
