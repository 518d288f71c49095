"""The knobs: values that a flag sets at the start and `PATCH /_sim/knobs` changes at any time."""

from random import Random
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from entrypoints.simulators.faults import ErrorRate, Milliseconds, Probability


class Knobs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What both simulators can be told; times in milliseconds, rates from 0 to 1."""

    latency_ms: Annotated[Milliseconds, Meta(description="how long the work of one call takes")] = 0
    latency_spread_ms: Annotated[Milliseconds, Meta(description="plus or minus this much, evenly spread")] = 0
    error_rate: Annotated[
        ErrorRate | list[ErrorRate] | None,
        Meta(description='refuse a share of the calls, e.g. {"rate":0.2,"http_status":500,"code":131000}'),
    ] = None
    lose_answer_rate: Annotated[Probability, Meta(description="do the work, then cut the connection")] = 0
    outage: Annotated[bool, Meta(description="no call gets through; /_sim still answers")] = False
    outage_kind: Annotated[Literal["reset", "unavailable"], Meta(description="cut every connection, or answer 503")] = (
        "reset"
    )
    seed: Annotated[int | None, Meta(description="makes chance repeatable; setting it starts anew")] = None


K = TypeVar("K", bound=Knobs)


class KnobBoard(Generic[K]):
    """The current values and the dice thrown with them."""

    def __init__(self, values: K) -> None:
        """Start with these values."""
        self.values = values
        # Chance decides what breaks in a rehearsal; it protects nothing.
        self.random = Random(values.seed)  # noqa: S311

    def patch(self, changes: dict[str, Any]) -> None:
        """Change the named knobs. Raises msgspec.ValidationError for an unknown name or a bad value."""
        current = {name: getattr(self.values, name) for name in self.values.__struct_fields__}
        self.values = msgspec.convert(msgspec.to_builtins(current) | changes, type(self.values))
        if "seed" in changes:
            self.random.seed(self.values.seed)

    def happens(self, rate: float) -> bool:
        """Throw the dice; a rate of zero costs no throw, so that it does not disturb the others."""
        return rate > 0 and self.random.random() < rate

    def loses_answer(self) -> bool:
        """Whether this call is done and its answer lost."""
        return self.happens(self.values.lose_answer_rate)

    def latency_seconds(self) -> float:
        """How long this call is to take."""
        return self.around_seconds(self.values.latency_ms, self.values.latency_spread_ms)

    def around_seconds(self, middle_ms: float, spread_ms: float) -> float:
        """A duration near the middle, never negative."""
        if spread_ms:
            middle_ms += self.random.uniform(-spread_ms, spread_ms)
        return max(0.0, middle_ms / 1000)

    def drawn_error(self) -> ErrorRate | None:
        """The error that strikes this call, if any does."""
        rates = self.values.error_rate
        if rates is None:
            return None
        candidates = rates if isinstance(rates, list) else [rates]
        return next((error for error in candidates if self.happens(error.rate)), None)
