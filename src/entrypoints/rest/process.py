"""The REST process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from application.app import Application
from entrypoints.process import announced, run_process
from entrypoints.rest.dashboard.simulation import simulation_of
from entrypoints.rest.main import serve_rest
from entrypoints.settings import Settings


def rest_process(environment: Mapping[str, str]) -> int:
    """Serve REST until SIGTERM; the exit code."""
    return run_process(environment, "rest", _serve)


async def _serve(application: Application, settings: Settings, stop: asyncio.Event) -> None:
    async with announced(settings.rest_host, settings.rest_port):
        await serve_rest(
            application, settings.rest_host, settings.rest_port, stop=stop, simulation=simulation_of(settings)
        )
