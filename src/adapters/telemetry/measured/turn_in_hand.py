"""What the turn in hand has cost so far.

A turn runs in one task from its begin to its end, so what its calls took is gathered in a context variable.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from adapters.telemetry.spans import TurnSpan


@dataclass(slots=True)
class TurnRecord:
    """What is known of the turn in hand."""

    began: float
    queued_seconds: float | None
    span: TurnSpan
    model_seconds: float = 0.0
    send_seconds: float = 0.0
    facts: dict[str, str | int | float] = field(default_factory=dict)


in_hand: ContextVar[TurnRecord | None] = ContextVar("turn_in_hand", default=None)
