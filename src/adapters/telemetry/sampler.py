"""What a process is like, looked at every few seconds: its pools, its memory, how late its event loop runs."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from redis.asyncio import Redis

from adapters.persistence.database import Database
from adapters.telemetry.metrics import Metrics

SECONDS = 5.0
PAGE_BYTES = resource.getpagesize()


class Sampler:
    """Looks at one process, which plays `role`."""

    def __init__(self, metrics: Metrics, database: Database, redis: Redis, role: str) -> None:
        self._database = database
        self._redis = redis
        self._cpu_seconds = 0.0
        self._resident = metrics.resident.labels(role)
        self._cpu = metrics.cpu.labels(role)
        self._lag = metrics.loop_lag.labels(role)
        self._seen_at = metrics.seen_at.labels(role)
        self._pools = {
            (pool, state): metrics.pool.labels(pool, state)
            for pool in ("postgres", "redis")
            for state in ("idle", "used")
        }
        self._waiting = metrics.pool_waiting.labels("postgres")
        metrics.processes.labels(role).set(1)

    def look(self, late_seconds: float) -> None:
        """Tell how it is now, after a sleep that ended so late."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu_seconds = used.ru_utime + used.ru_stime
        self._cpu.inc(cpu_seconds - self._cpu_seconds)
        self._cpu_seconds = cpu_seconds
        self._lag.set(late_seconds)
        self._seen_at.set(time.time())
        with suppress(OSError):  # only Linux tells
            self._resident.set(int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES)
        self._look_at_pools()

    def _look_at_pools(self) -> None:
        size, idle, waiting = self._database.pool_size()
        self._pools["postgres", "idle"].set(idle)
        self._pools["postgres", "used"].set(size - idle)
        self._waiting.set(waiting)
        for count, attributes in self._redis.connection_pool.get_connection_count():
            self._pools["redis", attributes["db.client.connection.state"]].set(count)

    async def run(self) -> None:
        """Look, again and again."""
        self.look(0.0)
        while True:
            due = time.monotonic() + SECONDS
            await asyncio.sleep(SECONDS)
            self.look(max(0.0, time.monotonic() - due))


@asynccontextmanager
async def sampled(sampler: Sampler) -> AsyncIterator[None]:
    """Looked at until the end."""
    looking = asyncio.create_task(sampler.run())
    try:
        yield
    finally:
        looking.cancel()
