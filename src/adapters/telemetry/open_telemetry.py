"""Traces over OpenTelemetry, for whoever installed the extra `otel`.

The ids of a trace are made of a message's own id. So a worker, or one that takes a turn over, or one that finds it in
Postgres because Redis was emptied, goes on with the trace that the web process began: nothing has to travel. Whether
a trace is kept is decided by its id too, alike everywhere.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from adapters.telemetry.spans import Facts, TurnSpan
from domain.conversations import Turn

LOW = 2**64 - 1
NANOSECONDS = 1_000_000_000
STOP_SECONDS_MAX = 3.0
"""How long the last spans may take to leave when a process stops; a collector that is gone holds nobody up."""


def trace_id_of(message_id: UUID) -> int:
    """The trace of a message: its id, with the lower half turned by two bits.

    Samplers decide by the first bits of that half, and in a UUID the first two are fixed.
    """
    high, low = message_id.int >> 64, message_id.int & LOW
    return high << 64 | (low << 2 & LOW) | low >> 62


def root_of(message_id: UUID) -> SpanContext:
    """The first span of a message's trace, known to whoever knows the message."""
    span_id = (message_id.int ^ message_id.int >> 64) & LOW
    return SpanContext(trace_id_of(message_id), span_id or 1, is_remote=True, trace_flags=TraceFlags(1))


class OpenTelemetryTracing:
    """See the protocol Tracing. Spans leave in batches, on a thread of the exporter's."""

    def __init__(self, exporter: SpanExporter, role: str, ratio: float = 1.0) -> None:
        self._ids = _GivenIds()
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(ratio),
            resource=Resource.create({"service.name": "frontdesk", "frontdesk.role": role}),
            id_generator=self._ids,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("frontdesk")

    def stored(self, message_ids: Sequence[UUID], seconds: float) -> None:
        """One root for each message; see the protocol."""
        now = time.time_ns()
        for message_id in message_ids:
            self._ids.next = root_of(message_id)
            span = self._tracer.start_span(
                "message stored",
                kind=SpanKind.SERVER,
                start_time=now - round(seconds * NANOSECONDS),
                attributes={"frontdesk.message_id": str(message_id)},
            )
            self._ids.next = None
            span.end(now)

    def begun(self, turn: Turn, queued_seconds: float | None) -> TurnSpan:
        """Go on with the trace of the first question, linked to those of the others; see the protocol."""
        first, *others = (question.message_id for question in turn.questions)
        now = time.time_ns()
        parent = set_span_in_context(NonRecordingSpan(root_of(first)))
        if queued_seconds is not None:
            start = now - round(queued_seconds * NANOSECONDS)
            self._tracer.start_span("queued", parent, start_time=start).end(now)
        span = self._tracer.start_span(
            "turn",
            parent,
            kind=SpanKind.CONSUMER,
            start_time=now,
            links=[Link(root_of(other)) for other in others],
            attributes={
                "frontdesk.turn_id": str(turn.id),
                "frontdesk.message_id": str(first),
                "frontdesk.conversation_id": str(turn.conversation_id),
                "frontdesk.phone_number_id": str(turn.phone_number_id),
                "frontdesk.attempt": turn.attempts,
            },
        )
        return _Traced(self, span)

    def step(self, parent: Span, name: str, seconds: float, facts: Facts) -> None:
        """A call to a provider that ended just now."""
        now = time.time_ns()
        start = now - round(seconds * NANOSECONDS)
        context = set_span_in_context(parent)
        self._tracer.start_span(name, context, kind=SpanKind.CLIENT, start_time=start, attributes=dict(facts)).end(now)

    async def close(self) -> None:
        """Let the last spans leave, if they can."""
        try:
            await asyncio.wait_for(asyncio.to_thread(self._provider.shutdown), STOP_SECONDS_MAX)
        except TimeoutError:
            return


@asynccontextmanager
async def opened_tracing(endpoint: str, role: str, ratio: float) -> AsyncIterator[OpenTelemetryTracing]:
    """Tracing to a collector that speaks OTLP over HTTP, closed at the end."""
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=STOP_SECONDS_MAX)
    tracing = OpenTelemetryTracing(exporter, role, ratio)
    try:
        yield tracing
    finally:
        await tracing.close()


class _Traced:
    def __init__(self, tracing: OpenTelemetryTracing, span: Span) -> None:
        self._tracing = tracing
        self._span = span

    def step(self, name: str, seconds: float, facts: Facts) -> None:
        """See the protocol."""
        self._tracing.step(self._span, name, seconds, facts)

    def end(self, facts: Facts, *, failed: bool) -> None:
        """See the protocol."""
        self._span.set_attributes(dict(facts))
        if failed:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class _GivenIds(IdGenerator):
    """Random ids, but for a root, whose are given. Spans are started on one thread."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.next: SpanContext | None = None

    def generate_span_id(self) -> int:
        """The id of the next span."""
        return self.next.span_id if self.next else self._random.generate_span_id()

    def generate_trace_id(self) -> int:
        """The id of the next trace."""
        return self.next.trace_id if self.next else self._random.generate_trace_id()
