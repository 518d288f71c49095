"""The way of one message, told in stages: what happened to it, when, and why there is no answer if there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.conversations import InboundStatus, Message, TurnStatus
from domain.credits import EntryKind


class Stage(StrEnum):
    """What can happen to a message, in about this order; the statuses of a reply are stages of their own."""

    WRITTEN = "written"
    RECEIVED = "received"
    FILTERED = "filtered"
    OVERFLOWED = "overflowed"
    WAITING = "waiting"
    BLOCKED = "blocked"
    HELD = "held"
    GENERATING = "generating"
    GENERATED = "generated"
    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    CAPTURED = "captured"
    RELEASED = "released"
    REFUNDED = "refunded"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"


STAGE_OF_ENTRY = {
    EntryKind.HOLD: Stage.HELD,
    EntryKind.CAPTURE: Stage.CAPTURED,
    EntryKind.RELEASE: Stage.RELEASED,
    EntryKind.REFUND: Stage.REFUNDED,
}


TOLD_BY_PLATFORM = (Stage.SENT, Stage.DELIVERED, Stage.READ)
"""Each after the one before it, and all of them after we began to send."""


class Obstacle(StrEnum):
    """Why a message that waits is not being answered now. `QUEUED`: nothing is in the way but those before it."""

    QUEUED = "in_queue"
    NO_AGENT = "no_agent"
    ARCHIVED = "conversation_archived"
    PAUSED = "conversation_paused"
    IN_DOUBT = "reply_in_doubt"
    UNAUTHORIZED = "phone_number_unauthorized"
    PARKED = "phone_number_parked"


@dataclass(frozen=True, slots=True)
class Step:
    """A stage, when it was reached, and what else is to be said of it."""

    stage: Stage
    at: datetime
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """What the record has of the turn that answers, or answered, the message."""

    id: UUID
    status: TurnStatus
    reason: str | None
    begun_at: datetime
    ended_at: datetime | None
    attempts: int
    entries: Sequence[tuple[EntryKind, datetime]] = ()


@dataclass(frozen=True, slots=True)
class ReplyFacts:
    """A message of ours, and when it reached each status that was noted."""

    message: Message
    reached: Mapping[Stage, datetime]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the record has of a message. `replies` are those of its turn, the message itself when it is one of them.

    `written_at` is the platform's time, `status_at` that of the last change. `overflowed_at` tells since when the
    phone number's queue had been full when the message came.
    """

    message: Message
    written_at: datetime | None
    status_at: datetime
    turn: TurnFacts | None
    replies: Sequence[ReplyFacts]
    obstacle: Obstacle
    overflowed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The steps in the order of their times, and for a customer's message without an answer the one reason."""

    message: Message
    turn_id: UUID | None
    reply_ids: tuple[UUID, ...]
    reason: str | None
    steps: tuple[Step, ...]


def trace_of(facts: Facts) -> Trace:
    """The trace of a message, from what the record has of it."""
    steps = [*_arrival(facts), *_turn(facts.turn), *_replies(facts.replies), *_end(facts)]
    return Trace(
        message=facts.message,
        turn_id=None if facts.turn is None else facts.turn.id,
        reply_ids=tuple(reply.message.id for reply in facts.replies),
        reason=_reason(facts),
        steps=tuple(sorted(steps, key=lambda step: (step.at, ORDER[step.stage]))),
    )


ORDER = {stage: place for place, stage in enumerate(Stage)}


def _reason(facts: Facts) -> str | None:
    """Why there is no answer: nothing for a message of ours, or one that is answered or being answered."""
    message = facts.message
    if message.direction == "outbound" or message.status == InboundStatus.ANSWERED:
        return None
    if message.status == InboundStatus.RECEIVED and facts.turn is None:
        return facts.obstacle.value
    return message.reason


def _arrival(facts: Facts) -> Iterator[Step]:
    message = facts.message
    if message.direction == "outbound":
        return
    if facts.written_at is not None and facts.written_at < message.created_at:
        yield Step(Stage.WRITTEN, facts.written_at)
    yield Step(Stage.RECEIVED, message.created_at)
    if facts.overflowed_at is not None:
        yield Step(Stage.OVERFLOWED, message.created_at, "The queue was full: it waited in the store.")
    if facts.turn is not None:
        return
    if message.status == InboundStatus.RECEIVED:
        yield Step(Stage.WAITING, facts.status_at, facts.obstacle.value)
    elif message.status == InboundStatus.BLOCKED:
        yield Step(Stage.BLOCKED, facts.status_at, message.reason)
    else:
        yield Step(Stage.FILTERED, facts.status_at, message.reason)


def _turn(turn: TurnFacts | None) -> Iterator[Step]:
    if turn is None:
        return
    yield from (Step(STAGE_OF_ENTRY[kind], at) for kind, at in turn.entries if kind in STAGE_OF_ENTRY)
    workers = None if turn.attempts == 1 else f"{turn.attempts} workers took it, one after the other."
    yield Step(Stage.GENERATING, turn.begun_at, workers)


def _replies(replies: Sequence[ReplyFacts]) -> Iterator[Step]:
    for reply in replies:
        named = str(reply.message.id) if len(replies) > 1 else None
        yield Step(Stage.GENERATED, reply.message.created_at, named)
        yield from (Step(stage, at, named) for stage, at in _in_order(reply).items())


def _in_order(reply: ReplyFacts) -> Mapping[Stage, datetime]:
    """When each status was reached, by one clock: platforms tell whole seconds, and have clocks of their own."""
    reached = {stage: max(at, reply.message.created_at) for stage, at in reply.reached.items()}
    latest = reached.get(Stage.SENDING, reply.message.created_at)
    for stage in TOLD_BY_PLATFORM:
        if stage in reached:
            latest = reached[stage] = max(latest, reached[stage])
    return reached


def _end(facts: Facts) -> Iterator[Step]:
    if facts.turn is None or facts.turn.ended_at is None or facts.turn.status is TurnStatus.UNDECIDED:
        return
    is_answered = facts.turn.status is TurnStatus.ANSWERED
    yield Step(Stage.ANSWERED if is_answered else Stage.UNANSWERED, facts.turn.ended_at, facts.turn.reason)
