"""Asking a model to fill in a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from domain.answers import Answered, NotAnswered, TryAgain, Uncertain

LeadOutcome = Answered | NotAnswered | TryAgain | Uncertain


@dataclass(frozen=True, slots=True)
class LeadRequest:
    """One call: what the model is told, what it is shown, and the strict schema its answer must fit.

    `customer` is a name of theirs that says nothing to the provider.
    """

    run_id: UUID
    attempt: int
    instructions: str
    question: str
    schema: Mapping[str, Any]
    customer: str
    timeout_seconds: float


class LeadModel(Protocol):
    """A model that answers in JSON. It remembers nothing from call to call, and no live conversation is touched."""

    async def read(self, request: LeadRequest) -> LeadOutcome:
        """What the model answers, as text that ought to be JSON; refusals and cut-offs are NotAnswered."""
        ...
