"""The model: how long it took, what it came to, and what it cost in tokens."""

from __future__ import annotations

from collections.abc import Awaitable
from time import perf_counter
from typing import Any, TypeVar

from adapters.telemetry.measured.passing import Passing, name_of
from adapters.telemetry.measured.turn_in_hand import in_hand
from adapters.telemetry.metrics import OTHER, Metrics
from application.ports.language_model import LanguageModel, ModelRequest
from domain.answers import Answered, Forgotten, NotAnswered, TryAgain, Uncertain

Outcome = TypeVar("Outcome")

MODELS_MAX = 50
"""So many models have labels of their own; businesses choose them, and the rest are one."""


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
        self._metrics.model_calls.labels(call, name_of(outcome)).inc()
        error = _error_of_model(outcome)
        if error is not None:
            self._metrics.provider_errors.labels("openai", error).inc()
        if (record := in_hand.get()) is not None:
            record.model_seconds += seconds
            record.span.step(f"model {call}", seconds, {"outcome": name_of(outcome)})
        return outcome

    def _count_tokens(self, answer: Answered) -> None:
        if len(self._models) < MODELS_MAX:
            self._models.add(answer.model)
        model = answer.model if answer.model in self._models else OTHER
        self._metrics.tokens.labels(model, "input").inc(answer.usage.input_tokens)
        self._metrics.tokens.labels(model, "output").inc(answer.usage.output_tokens)
        if (record := in_hand.get()) is not None:
            record.facts["model"] = model
            record.facts["input_tokens"] = answer.usage.input_tokens
            record.facts["output_tokens"] = answer.usage.output_tokens


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
            return name_of(outcome)
        case _:
            return None
