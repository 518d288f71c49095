"""The cache of what turns need to know."""

from __future__ import annotations

import time
from collections.abc import Mapping
from uuid import UUID

from adapters.telemetry.measured.passing import Passing
from adapters.telemetry.metrics import Metrics
from application.ports.context_cache import ContextCache, SealedContext


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
