"""Ports that are measured: each passes every call on, and counts what it cost and came to.

A turn runs in one task from its begin to its end, so what its calls took is gathered in a context variable.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, wraps
from time import perf_counter
from typing import Any, TypeVar
from uuid import UUID

import structlog

from adapters.telemetry.metrics import OTHER, Metrics
from adapters.telemetry.pseudonyms import Pseudonyms
from adapters.telemetry.spans import Facts, Tracing, TurnSpan
from application.ports.briefings import Briefing
from application.ports.channel_gateway import ChannelGateway, OutboundText
from application.ports.context_cache import ContextCache, SealedContext
from application.ports.duplicate_filter import DuplicateFilter
from application.ports.inbox import Acceptance, Inbox, Stored
from application.ports.language_model import LanguageModel, ModelRequest
from application.ports.turn_queue import QueueEntry, QueueUnavailable, TurnQueue
from application.ports.turns import NoTurn, NotYet, Settled, TurnLost, Turns
from domain.answers import Answered, Forgotten, NotAnswered, TryAgain, Uncertain
from domain.channels import InboundMessage, Template
from domain.conversations import Turn, TurnStatus
from domain.delivery import Accepted, Parked, SendOutcome, Settlement

log = structlog.get_logger()

MODELS_MAX = 50
"""So many models have labels of their own; businesses choose them, and the rest are one."""
CONNECTION = "connection"
"""The class of an error that no provider gave: none answered."""
WAIT_SECONDS_MAX = 3_600.0
"""An entry that seems older was named by a clock that is wrong."""

Outcome = TypeVar("Outcome")


@dataclass(slots=True)
class TurnRecord:
    """What is known of the turn in hand."""

    began: float
    queued_seconds: float | None
    span: TurnSpan
    model_seconds: float = 0.0
    send_seconds: float = 0.0
    facts: dict[str, str | int | float] = field(default_factory=dict)


_in_hand: ContextVar[TurnRecord | None] = ContextVar("turn_in_hand", default=None)


class Passing:
    """Passes on what is not measured."""

    def __init__(self, port: object) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        return getattr(self._port, name)


class MeasuredInbox(Passing):
    """Begins the traces of what is stored, and counts what was there already."""

    def __init__(self, inbox: Inbox, metrics: Metrics, tracing: Tracing) -> None:
        super().__init__(inbox)
        self._inbox = inbox
        self._known = metrics.duplicates.labels("store")
        self._tracing = tracing

    async def accept(self, messages: Sequence[InboundMessage]) -> Sequence[Stored]:
        """Store customers' messages; see the port."""
        began = perf_counter()
        stored = await self._inbox.accept(messages)
        if known := sum(place.acceptance is Acceptance.DUPLICATE for place in stored):
            self._known.inc(known)
        self._tracing.stored([place.message_id for place in stored if place.message_id], perf_counter() - began)
        return stored


class MeasuredFilter(Passing):
    """Counts what the quick filter knew."""

    def __init__(self, seen: DuplicateFilter, metrics: Metrics) -> None:
        super().__init__(seen)
        self._seen = seen
        self._known = metrics.duplicates.labels("filter")

    async def known(self, names: Sequence[str]) -> Sequence[bool]:
        """Whether each name was remembered; see the port."""
        known = await self._seen.known(names)
        if count := sum(known):
            self._known.inc(count)
        return known


class MeasuredContexts(Passing):
    """Counts how often a context was at hand, how long ago it was read, and how large what is kept is."""

    def __init__(self, contexts: ContextCache, metrics: Metrics) -> None:
        super().__init__(contexts)
        self._contexts = contexts
        self._hit, self._miss = (metrics.cache_reads.labels("context", result) for result in ("hit", "miss"))
        self._age = metrics.cache_age.labels("context")
        self._size = metrics.cache_entry_bytes.labels("context")

    async def get(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedContext]:
        """The contexts that are at hand; see the port. A cache out of reach has none."""
        found: Mapping[UUID, SealedContext] = {}
        try:
            found = await self._contexts.get(versions)
        finally:
            self._hit.inc(len(found))
            self._miss.inc(len(versions) - len(found))
        now = time.time()
        for context in found.values():
            self._age.observe(max(0.0, now - context.read_at.timestamp()))
        return found

    async def put(self, contexts: Mapping[UUID, SealedContext]) -> None:
        """Keep contexts; see the port."""
        await self._contexts.put(contexts)
        for context in contexts.values():
            self._size.observe(len(context.sealed))


class Waits:
    """How long the conversations that a worker has claimed stood in the queue, until their turns begin."""

    def __init__(self) -> None:
        self._seconds: dict[UUID, float] = {}

    def note(self, entry: QueueEntry) -> float | None:
        """Note an entry: its name begins with the time when it was queued, in milliseconds. How long that is ago."""
        milliseconds, _, _ = entry.entry_id.partition("-")
        waited = time.time() - int(milliseconds) / 1_000 if milliseconds.isdecimal() else -1.0
        if not 0 <= waited <= WAIT_SECONDS_MAX:
            return None
        self._seconds[entry.conversation_id] = waited
        return waited

    def take(self, conversation_id: UUID) -> float | None:
        """How long that conversation had waited, told once."""
        return self._seconds.pop(conversation_id, None)


class MeasuredQueue(Passing):
    """Times the wait in the queue and for locks."""

    def __init__(self, queue: TurnQueue, metrics: Metrics, waits: Waits) -> None:
        super().__init__(queue)
        self._queue = queue
        self._waits = waits
        self._metrics = metrics

    async def claim(self, phone_number_id: UUID, worker_id: UUID, limit: int) -> Sequence[QueueEntry]:
        """Take the oldest entries; see the port."""
        entries = await self._answered("claim", self._queue.claim(phone_number_id, worker_id, limit))
        for entry in entries:
            if (waited := self._waits.note(entry)) is not None:
                self._metrics.queue_wait.observe(waited)
        return entries

    async def admit(self, waiting: Sequence[Any]) -> Any:  # noqa: ANN401 - as the port has it
        """Queue conversations; see the port."""
        return await self._answered("admit", self._queue.admit(waiting))

    async def note_wait(self, entry: QueueEntry, seconds: float) -> None:
        """Count a wait for a lock; see the port."""
        self._metrics.lock_wait.observe(seconds)
        await self._answered("note_wait", self._queue.note_wait(entry, seconds))

    async def finish(self, entry: QueueEntry) -> None:
        """Acknowledge an entry; see the port."""
        self._waits.take(entry.conversation_id)
        await self._answered("finish", self._queue.finish(entry))

    async def _answered(self, call: str, made: Awaitable[Outcome]) -> Outcome:
        try:
            return await made
        except QueueUnavailable:
            self._metrics.queue_errors.labels(call).inc()
            raise


class MeasuredTurns(Passing):
    """Times turns, counts how they end, and writes the line that tells of each."""

    def __init__(self, turns: Turns, metrics: Metrics, waits: Waits, tracing: Tracing, pseudonyms: Pseudonyms) -> None:
        super().__init__(turns)
        self._turns = turns
        self._metrics = metrics
        self._waits = waits
        self._tracing = tracing
        self._pseudonyms = pseudonyms

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        """Calls that are only passed on, and counted when the turn turns out to be another's."""
        method = super().__getattr__(name)

        @wraps(method)
        async def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as the port has it
            return await self._still_ours(method(*arguments, **named))

        setattr(self, name, call)
        return call

    async def begin(self, conversation_id: UUID, worker_id: UUID, *, at_once: bool = False) -> Turn | NoTurn | NotYet:
        """Take the conversation's turn; see the port."""
        begun = await self._turns.begin(conversation_id, worker_id, at_once=at_once)
        if isinstance(begun, Turn):
            queued_seconds = self._waits.take(conversation_id)
            if begun.attempts > 1:
                self._metrics.recovered.inc()
            _in_hand.set(TurnRecord(perf_counter(), queued_seconds, self._tracing.begun(begun, queued_seconds)))
        return begun

    async def settle(self, turn: Turn, settlement: Settlement) -> Settled:
        """End the turn; see the port."""
        settled = await self._still_ours(self._turns.settle(turn, settlement))
        reason = settlement.reason.value if settlement.reason else ""
        self._ended(turn, settlement.turn, reason, settlement.message_id)
        return settled

    async def park(self, turn: Turn, message_id: UUID, parked: Parked, token_version: UUID | None) -> bool:
        """Hand the turn back; see the port."""
        is_parked = await self._still_ours(self._turns.park(turn, message_id, parked, token_version))
        self._metrics.parked.inc()
        self._told(turn, "parked", parked.status.value, message_id, _in_hand.get())
        return is_parked

    async def _still_ours(self, call: Awaitable[Outcome]) -> Outcome:
        try:
            return await call
        except TurnLost:
            self._metrics.lost.inc()
            raise

    def _ended(self, turn: Turn, status: TurnStatus, reason: str, reply_id: UUID | None) -> None:
        record = _in_hand.get()
        self._metrics.turns.labels(status.value, reason).inc()
        if record is not None:
            seconds = perf_counter() - record.began
            self._metrics.turn_seconds.labels(status.value).observe(seconds)
            if status is TurnStatus.ANSWERED and record.queued_seconds is not None:
                self._metrics.end_to_end.observe(seconds + record.queued_seconds)
        self._told(turn, status.value, reason, reply_id, record)

    def _told(self, turn: Turn, status: str, reason: str, reply_id: UUID | None, record: TurnRecord | None) -> None:
        """One line, by which the whole way of a message is found: its id stands in every other line about it."""
        facts: dict[str, Any] = {"status": status, "reason": reason, "attempt": turn.attempts}
        if record is not None:
            facts |= {
                "queue_ms": _milliseconds(record.queued_seconds or 0.0),
                "model_ms": _milliseconds(record.model_seconds),
                "send_ms": _milliseconds(record.send_seconds),
                "milliseconds": _milliseconds(perf_counter() - record.began),
                **record.facts,
            }
            record.span.end(facts, failed=status != TurnStatus.ANSWERED.value)
            _in_hand.set(None)
        log.info(
            "turn_ended",
            **facts,
            turn_id=str(turn.id),
            message_ids=[str(question.message_id) for question in turn.questions],
            reply_id=reply_id and str(reply_id),
            conversation_id=str(turn.conversation_id),
            phone_number_id=str(turn.phone_number_id),
            user_id=str(turn.user_id),
            customer=self._pseudonyms.of(turn.address),
        )


class MeasuredModel(Passing):
    """Times calls to the model and counts tokens and errors."""

    def __init__(self, model: LanguageModel, metrics: Metrics) -> None:
        super().__init__(model)
        self._model = model
        self._metrics = metrics
        self._models: set[str] = set()

    async def open_conversation(self, *arguments: Any) -> Any:  # noqa: ANN401 - as the port has it
        """Open a conversation; see the port."""
        return await self._measured("open_conversation", self._model.open_conversation(*arguments))

    async def answer(self, request: ModelRequest) -> Any:  # noqa: ANN401 - as the port has it
        """What the model says; see the port."""
        outcome = await self._measured("answer", self._model.answer(request))
        if isinstance(outcome, Answered):
            self._count_tokens(outcome)
        return outcome

    async def recall(self, request: ModelRequest) -> Any:  # noqa: ANN401 - as the port has it
        """What became of an earlier call; see the port."""
        return await self._measured("recall", self._model.recall(request))

    async def _measured(self, call: str, made: Awaitable[Outcome]) -> Outcome:
        began = perf_counter()
        outcome = await made
        seconds = perf_counter() - began
        self._metrics.model_seconds.labels(call).observe(seconds)
        self._metrics.model_calls.labels(call, _name(outcome)).inc()
        error = _error_of_model(outcome)
        if error is not None:
            self._metrics.provider_errors.labels("openai", error).inc()
        if (record := _in_hand.get()) is not None:
            record.model_seconds += seconds
            record.span.step(f"model {call}", seconds, {"outcome": _name(outcome)})
        return outcome

    def _count_tokens(self, answer: Answered) -> None:
        if len(self._models) < MODELS_MAX:
            self._models.add(answer.model)
        model = answer.model if answer.model in self._models else OTHER
        self._metrics.tokens.labels(model, "input").inc(answer.usage.input_tokens)
        self._metrics.tokens.labels(model, "output").inc(answer.usage.output_tokens)
        if (record := _in_hand.get()) is not None:
            record.facts["model"] = model
            record.facts["input_tokens"] = answer.usage.input_tokens
            record.facts["output_tokens"] = answer.usage.output_tokens


class MeasuredGateway(Passing):
    """Times sends and counts errors by the platform's class for them."""

    def __init__(self, gateway: ChannelGateway, metrics: Metrics) -> None:
        super().__init__(gateway)
        self._gateway = gateway
        self._metrics = metrics

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """Hand the message over; see the port."""
        return await self._measured(briefing, lambda: self._gateway.send(briefing, message))

    async def send_template(self, briefing: Briefing, message: OutboundText, template: Template) -> SendOutcome:
        """Hand the template over; see the port."""
        return await self._measured(briefing, lambda: self._gateway.send_template(briefing, message, template))

    async def _measured(self, briefing: Briefing, call: Callable[[], Awaitable[SendOutcome]]) -> SendOutcome:
        began = perf_counter()
        outcome = await call()
        seconds = perf_counter() - began
        channel, name = briefing.channel.value, _name(outcome)
        self._metrics.send_seconds.labels(channel).observe(seconds)
        self._metrics.sends.labels(channel, name).inc()
        facts: Facts = {"channel": channel, "outcome": name}
        if not isinstance(outcome, Accepted):
            error = str(outcome.error.get("class") or CONNECTION)
            self._metrics.provider_errors.labels("meta", error).inc()
            facts = {**facts, "class": error}
        if (record := _in_hand.get()) is not None:
            record.send_seconds += seconds
            record.span.step("send", seconds, facts)
        return outcome


def _error_of_model(outcome: object) -> str | None:
    """The class of what went wrong; None where nothing did."""
    match outcome:
        case NotAnswered(reason):
            return reason.value
        case TryAgain(is_locked=True):
            return "conversation_locked"
        case TryAgain(is_outage=True):
            return "outage"
        case TryAgain() | Forgotten() | Uncertain():
            return _name(outcome)
        case _:
            return None


def _name(outcome: object) -> str:
    """What an outcome is called in labels."""
    return _snake(type(outcome).__name__)


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<=.)([A-Z])", r"_\1", name).lower()


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1_000, 1)
