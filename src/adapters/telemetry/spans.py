"""What the measured ports tell a tracer; without one they tell it to nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from domain.conversations import Turn

Facts = Mapping[str, str | int | float]


class TurnSpan(Protocol):
    """A turn that is being traced."""

    def step(self, name: str, seconds: float, facts: Facts) -> None:
        """Something that ended just now and took so long."""
        ...

    def end(self, facts: Facts, *, failed: bool) -> None:
        """The turn has ended."""
        ...


class Tracing(Protocol):
    """One trace for each turn: that of its first question, whose id every process knows without being told."""

    def stored(self, message_ids: Sequence[UUID], seconds: float) -> None:
        """Messages became facts; storing them took so long."""
        ...

    def begun(self, turn: Turn, queued_seconds: float | None) -> TurnSpan:
        """A turn began, after so long in the queue."""
        ...


class _NoSpan:
    def step(self, name: str, seconds: float, facts: Facts) -> None:
        """Nobody listens."""

    def end(self, facts: Facts, *, failed: bool) -> None:
        """Nobody listens."""


class NoTracing:
    """Nobody listens."""

    _none = _NoSpan()

    def stored(self, message_ids: Sequence[UUID], seconds: float) -> None:
        """Nobody listens."""

    def begun(self, turn: Turn, queued_seconds: float | None) -> TurnSpan:  # noqa: ARG002
        """A span that nobody sees."""
        return self._none
