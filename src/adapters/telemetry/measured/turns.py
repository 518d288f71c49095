"""Turns: how long they took, how they ended, and the line that tells of each."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import wraps
from time import perf_counter
from typing import Any, TypeVar
from uuid import UUID

import structlog

from adapters.telemetry.measured.passing import Passing
from adapters.telemetry.measured.queue import Waits
from adapters.telemetry.measured.turn_in_hand import TurnRecord, in_hand
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.pseudonyms import Pseudonyms
from adapters.telemetry.spans import Tracing
from application.ports.turns import NoTurn, NotYet, Settled, TurnLost, Turns
from domain.conversations import Turn, TurnStatus
from domain.delivery import Parked, Settlement

log = structlog.get_logger()

Outcome = TypeVar("Outcome")


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
            in_hand.set(TurnRecord(perf_counter(), queued_seconds, self._tracing.begun(begun, queued_seconds)))
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
        self._told(turn, "parked", parked.status.value, message_id, in_hand.get())
        return is_parked

    async def _still_ours(self, call: Awaitable[Outcome]) -> Outcome:
        try:
            return await call
        except TurnLost:
            self._metrics.lost.inc()
            raise

    def _ended(self, turn: Turn, status: TurnStatus, reason: str, reply_id: UUID | None) -> None:
        record = in_hand.get()
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
            in_hand.set(None)
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


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1_000, 1)
