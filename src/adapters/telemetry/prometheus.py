"""The port Telemetry over Prometheus's client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import generate_latest

from adapters.telemetry.house_figures import HouseFigures
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.shared_files import all_processes
from application.ports.telemetry import WorkersSeen

SEEN = "frontdesk_process_seen_timestamp_seconds"
WORKER = "worker"
HEARTBEAT = "frontdesk_heartbeat_timestamp_seconds"


class PrometheusTelemetry:
    """Counts into `metrics`, and reads those of all processes back from their `folder`."""

    def __init__(self, metrics: Metrics, folder: Path, figures: HouseFigures) -> None:
        self._metrics = metrics
        self._folder = folder
        self._figures = figures

    def requested(self, door: str, route: str, status: str, seconds: float) -> None:
        """Count an answered request; see the port."""
        self._metrics.requests.labels(door, route, status).inc()
        self._metrics.request_seconds.labels(door, route).observe(seconds)

    def delivered(self, elements: Mapping[str, int]) -> None:
        """Count what platforms delivered; see the port."""
        for name, count in elements.items():
            if count:
                self._metrics.delivered.labels(name).inc(count)

    def swept(self, requeued: int, claimed: int) -> None:
        """Count what was queued again; see the port."""
        self._metrics.requeued.inc(requeued)
        self._metrics.claimed.inc(claimed)

    def in_flight(self, conversations: int) -> None:
        """Tell how much this worker has in hand; see the port."""
        self._metrics.in_flight.set(conversations)

    def crashed(self) -> None:
        """Count a bug; see the port."""
        self._metrics.crashed.inc()

    def interrupted(self) -> None:
        """Count a turn that was left; see the port."""
        self._metrics.interrupted.inc()

    def heartbeat(self, *, succeeded: bool) -> None:
        """Count a heartbeat; see the port."""
        self._metrics.heartbeats.labels("ok" if succeeded else "failed").inc()
        if succeeded:
            self._metrics.heartbeat_at.set(time.time())

    def workers_seen(self) -> WorkersSeen:
        """When they last did what they do; see the port."""
        found: dict[str, float] = {}
        for metric in all_processes(self._folder).collect():
            for sample in metric.samples:
                if sample.name in {SEEN, HEARTBEAT} and sample.labels.get("role", WORKER) == WORKER:
                    found[sample.name] = max(found.get(sample.name, 0.0), sample.value)
        return WorkersSeen(found.get(SEEN) or None, found.get(HEARTBEAT) or None)

    async def exposition(self) -> bytes:
        """Everything; see the port. Files are read beside the event loop."""
        figures = await self._figures.read()
        return await asyncio.to_thread(self._processes) + generate_latest(figures)

    def _processes(self) -> bytes:
        return generate_latest(all_processes(self._folder))
