"""What the model's provider keeps and must not keep any longer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

BACKOFF_SECONDS_FIRST = 30.0
BACKOFF_SECONDS_MAX = 6 * 3_600.0


class ErasureKind(StrEnum):
    """What is erased: a conversation with all its items, or a stored response."""

    CONVERSATION = "conversation"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One thing to be erased; `attempts` counts those that were begun, this one included."""

    kind: ErasureKind
    openai_id: str
    attempts: int


def backoff_seconds(attempts: int) -> float:
    """How long to wait after so many attempts: twice as long each time, up to a quarter of a day. It never ends."""
    doublings = min(attempts - 1, 20)
    return min(BACKOFF_SECONDS_FIRST * 2.0**doublings, BACKOFF_SECONDS_MAX)
