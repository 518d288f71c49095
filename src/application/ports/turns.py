"""The turn in the store: begun, its reply written down, settled. Postgres decides what happened."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.answers import Usage
from domain.conversations import OutboundStatus, Said, Turn
from domain.delivery import Settlement


class NoTurn(StrEnum):
    """Why there is no turn to take. `BUSY`: a live worker has it, and will see what came meanwhile."""

    BUSY = "busy"
    BLOCKED = "blocked"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class NotYet:
    """The customer may still be writing: the turn can begin when it has been quiet for another `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ReplyRecord:
    """A reply to be written down before it is sent, and what made it."""

    message_id: UUID
    text: str
    prompt_id: str
    prompt_version: int | None
    model: str
    response_id: str | None
    usage: Usage
    last_item_id: str | None


@dataclass(frozen=True, slots=True)
class Settled:
    """`more` tells that the customer wrote again meanwhile and the next turn can begin at once."""

    more: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation that should be in its phone number's queue."""

    conversation_id: UUID
    phone_number_id: UUID


@dataclass(frozen=True, slots=True)
class WaitingFilter:
    """Which waiting conversations are asked for; None leaves a field open."""

    older_than_seconds: float = 0.0
    phone_number_id: UUID | None = None
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Which process a worker is. `host` is one whose process ids all mean the same; ids are used again over time."""

    host: str
    process_id: int
    started_at: datetime


class TurnLost(Exception):
    """Another worker has taken the turn over: nothing was written, and the turn is none of ours any more."""


class Turns(Protocol):
    """The writes of a turn, each one short transaction; and the leases of the workers that hold turns."""

    async def begin(self, conversation_id: UUID, worker_id: UUID, *, at_once: bool = False) -> Turn | NoTurn | NotYet:
        """Take the conversation's turn: a new one with a credit held, or one that a dead worker left open.

        `at_once` does not wait for the customer to be quiet. A worker that begins something lives: a lease that has
        run out, or soon will, is renewed.
        """
        ...

    async def transcript(self, turn: Turn, limit: int) -> Sequence[Said]:
        """The last `limit` things that were said in the conversation before this turn, the oldest first."""
        ...

    async def confirm(self, turn: Turn, seconds: float) -> None:
        """Return when the turn is still this worker's, and its lease good for so long. Raises TurnLost."""
        ...

    async def attach_model_conversation(
        self, turn: Turn, openai_conversation_id: str, last_item_id: str | None = None
    ) -> None:
        """Keep the id of the model's conversation, and the last item that stands in it. Raises TurnLost."""
        ...

    async def record_reply(self, turn: Turn, reply: ReplyRecord) -> None:
        """Write the reply down with its next number, and that it is about to be sent. Raises TurnLost."""
        ...

    async def mark_reply(self, turn: Turn, status: OutboundStatus) -> None:
        """Note that the reply waits (`pending`) or is about to be sent again (`sending`). Raises TurnLost."""
        ...

    async def settle(self, turn: Turn, settlement: Settlement) -> Settled:
        """End the turn: reply, questions, ledger and turn in one go. Raises TurnLost."""
        ...

    async def join(self, worker_id: UUID, place: Place) -> None:
        """Say that a worker begins to live, and where: whoever looks after that host can tell when it is dead."""
        ...

    async def renew_lease(self, worker_id: UUID, holding: Collection[UUID], crashed: Collection[UUID] = ()) -> None:
        """Say that the worker lives: what it holds stays its own for another `LEASE_SECONDS`.

        `holding` are the conversations it is working on; while this is under way it must not begin others. Any
        other turn that bears its name was dropped on the way and is free for another worker from now on. Those of
        `crashed` conversations ended in a bug, which counts like the death of a worker; an outage does not.
        """
        ...

    async def end_lease(self, worker_id: UUID) -> None:
        """Say that the worker has stopped: what it still held is free at once."""
        ...

    async def waiting(self, wanted: WaitingFilter, limit: int) -> Sequence[Waiting]:
        """Conversations with an unanswered message, or an open turn that nobody holds.

        The oldest of each phone number first, then each one's second: a number with thousands starves no other.
        """
        ...
