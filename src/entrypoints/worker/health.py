"""The workers' own door: one for each machine.

The supervisor forks it beside the workers. It tells of them by what they have counted, since their event loops may
be just what is in trouble.
"""

from __future__ import annotations

import asyncio
import os

from application.app import Application
from entrypoints.health_door import create_health_app, health_door
from entrypoints.process import run_process
from entrypoints.readiness import announce_ready
from entrypoints.settings import Settings


def health_process() -> int:
    """Serve until SIGTERM; the exit code."""
    return run_process(os.environ, "health", _serve)


async def _serve(application: Application, settings: Settings, stop: asyncio.Event) -> None:
    host, port = settings.worker_health_host, settings.worker_health_port
    if port is None:
        return
    app = create_health_app(application, "workers", application.check_workers)
    async with health_door("The workers' health", host, port, app):
        announce_ready()
        await stop.wait()
