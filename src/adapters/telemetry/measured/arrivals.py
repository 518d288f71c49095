"""What arrives: stored, or known already."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from adapters.telemetry.measured.passing import Passing
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.spans import Tracing
from application.ports.duplicate_filter import DuplicateFilter
from application.ports.inbox import Acceptance, Inbox, Stored
from domain.channels import InboundMessage


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
