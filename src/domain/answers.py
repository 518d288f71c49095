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
    """The model's final message. `response_id` is the provider's; `model` the one that really spoke."""

    text: str
    response_id: str
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """The call ended and there is nothing to send. `detail` is for the business, without customer text."""

    reason: UnansweredReason
    detail: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The provider did not take the call; nothing was said to the model.

    `after_seconds` is how long the provider asked us to wait, None when it did not say.
    """

    detail: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The call broke off: the model may or may not have heard the question."""

    detail: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The provider does not know the conversation any more; nothing was said to the model."""

    detail: str


ModelOutcome = Answered | NotAnswered | TryAgain | Uncertain | Forgotten
