"""The measured ports in the place of the plain ones, and what they count into."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from adapters.persistence.backlog import PostgresBacklog
from adapters.persistence.database import Database
from adapters.telemetry.house_figures import HouseFigures
from adapters.telemetry.measured.arrivals import MeasuredFilter, MeasuredInbox
from adapters.telemetry.measured.gateway import MeasuredGateway
from adapters.telemetry.measured.model import MeasuredModel
from adapters.telemetry.measured.queue import MeasuredQueue, Waits
from adapters.telemetry.measured.turns import MeasuredTurns
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.prometheus import PrometheusTelemetry
from adapters.telemetry.pseudonyms import Pseudonyms
from adapters.telemetry.sampler import Sampler, sampled
from adapters.telemetry.shared_files import use_shared_files
from adapters.telemetry.spans import NoTracing, Tracing
from application.app import Ports


@dataclass(frozen=True, slots=True)
class Watching:
    """What is to be watched and how: metrics in `folder`, traces to `otlp_endpoint` when there is one."""

    folder: Path
    role: str
    encryption_key: str
    otlp_endpoint: str | None = None
    traced_ratio: float = 1.0
    reply_quiet_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Instruments:
    """What one process counts and traces with."""

    metrics: Metrics
    telemetry: PrometheusTelemetry
    tracing: Tracing
    pseudonyms: Pseudonyms

    def measured(self, ports: Ports) -> dict[str, Any]:
        """The ports by whose calls the house is measured, to be put in the place of the plain ones."""
        waits = Waits()
        return {
            "inbox": MeasuredInbox(ports.inbox, self.metrics, self.tracing),
            "seen": MeasuredFilter(ports.seen, self.metrics),
            "queue": MeasuredQueue(ports.queue, self.metrics, waits),
            "turns": MeasuredTurns(ports.turns, self.metrics, waits, self.tracing, self.pseudonyms),
            "model": MeasuredModel(ports.model, self.metrics),
            "gateway": MeasuredGateway(ports.gateway, self.metrics),
        }


@asynccontextmanager
async def opened_instruments(watching: Watching, database: Database, redis: Redis) -> AsyncIterator[Instruments]:
    """Instruments for this process, which is looked at until the end. Raises CannotMeasure."""
    use_shared_files(watching.folder)
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        tracing = await _tracing(stack, watching)
        await stack.enter_async_context(sampled(Sampler(metrics, database, redis, watching.role)))
        backlog = PostgresBacklog(database, watching.reply_quiet_seconds)
        telemetry = PrometheusTelemetry(metrics, watching.folder, HouseFigures(database, backlog))
        yield Instruments(metrics, telemetry, tracing, Pseudonyms(watching.encryption_key))


async def _tracing(stack: AsyncExitStack, watching: Watching) -> Tracing:
    if watching.otlp_endpoint is None:
        return NoTracing()
    from adapters.telemetry.open_telemetry import opened_tracing  # noqa: PLC0415 - an extra that few install

    return await stack.enter_async_context(opened_tracing(watching.otlp_endpoint, watching.role, watching.traced_ratio))
