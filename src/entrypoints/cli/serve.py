"""The long-running processes but the worker: settings, logs, an event loop, one door, an orderly end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping

import uvloop

from application.app import Application
from domain.shared import DomainError
from entrypoints.container import running
from entrypoints.logs import configure_logs
from entrypoints.readiness import announce_ready
from entrypoints.rest.main import serve_rest
from entrypoints.rpc.main import serve_rpc
from entrypoints.scheduler.main import run_scheduler
from entrypoints.settings import Settings, SettingsError, load_settings

Door = Callable[[Application, Settings, asyncio.Event], Awaitable[None]]


def serve_rest_process(environment: Mapping[str, str]) -> int:
    """Serve REST until SIGTERM; the exit code."""

    async def door(application: Application, settings: Settings, stop: asyncio.Event) -> None:
        await serve_rest(application, settings.rest_host, settings.rest_port, stop=stop, ready=announce_ready)

    return _run(environment, "rest", door)


def serve_grpc_process(environment: Mapping[str, str]) -> int:
    """Serve gRPC until SIGTERM; the exit code."""

    async def door(application: Application, settings: Settings, stop: asyncio.Event) -> None:
        await serve_rpc(application, settings.grpc_host, settings.grpc_port, stop=stop, ready=announce_ready)

    return _run(environment, "grpc", door)


def scheduler_process(environment: Mapping[str, str]) -> int:
    """Run the scheduler until SIGTERM; the exit code."""

    async def door(application: Application, settings: Settings, stop: asyncio.Event) -> None:  # noqa: ARG001
        announce_ready()
        await run_scheduler(application, stop)

    return _run(environment, "scheduler", door)


def _run(environment: Mapping[str, str], role: str, door: Door) -> int:
    """Open the application, go through the door, and say in one line why when that is not possible."""
    try:
        settings = load_settings(environment)
        configure_logs(settings.log_level, settings.log_format, process=role)
        uvloop.run(_serve(settings, role, door))
    except (SettingsError, DomainError, OSError) as error:
        sys.stderr.write(f"frontdesk {role}: {error}\n")
        return 1
    return 0


async def _serve(settings: Settings, role: str, door: Door) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(settings, role=role) as application:
        await door(application, settings, stop)
