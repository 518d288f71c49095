"""Health for each service by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from grpc_health.v1 import health, health_pb2

from application.monitoring import CheckHealth
from entrypoints.rpc.interceptors import Context

FOLLOW_SECONDS = 5.0


class ServingHealth(health.aio.HealthServicer):  # type: ignore[misc]
    """Says that the services are served from the first moment on, and then whether they are ready, as REST does."""

    def __init__(self, services: Iterable[str]) -> None:
        super().__init__()
        self._server_status.update(dict.fromkeys(services, health_pb2.HealthCheckResponse.SERVING))
        self._watching: set[asyncio.Task[Any] | None] = set()
        self._is_ending = False

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        """Tell a service's health, and each change of it, until the client or the door has enough."""
        task = asyncio.current_task()
        self._watching.add(task)
        try:
            await super().Watch(request, context)
        except asyncio.CancelledError:
            if not self._is_ending:
                raise
        finally:
            self._watching.discard(task)

    async def follow(self, check_health: CheckHealth) -> None:
        """Tell of every service what the dependencies allow, again and again."""
        served = health_pb2.HealthCheckResponse
        while True:
            is_ready = (await check_health()).is_ready
            for service in tuple(self._server_status):
                await self.set(service, served.SERVING if is_ready else served.NOT_SERVING)
            await asyncio.sleep(FOLLOW_SECONDS)

    def end_watches(self) -> None:
        """End the streams that have no end of their own: one watcher would hold a stop for all of its grace."""
        self._is_ending = True
        for task in self._watching:
            if task:
                task.cancel()
