"""A long-running process with an event loop of its own: settings, logs, the application, one door, an orderly end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import uvloop

from application.app import Application
from domain.shared import DomainError
from entrypoints.container import running
from entrypoints.logs import configure_logs
from entrypoints.memory import keep_what_is_loaded
from entrypoints.readiness import announce_ready
from entrypoints.serving import CannotListen
from entrypoints.settings import Settings, SettingsError, load_settings

KNOCK_SECONDS = 0.02

Door = Callable[[Application, Settings, asyncio.Event], Awaitable[None]]


def run_process(environment: Mapping[str, str], role: str, door: Door) -> int:
    """Open the application, go through the door, and say in one line why when that is not possible."""
    try:
        settings = load_settings(environment)
        configure_logs(settings.log_level, settings.log_format, process=role)
        uvloop.run(_serve(settings, role, door))
    except (SettingsError, DomainError, CannotListen, OSError) as error:
        sys.stderr.write(f"frontdesk {role}: {error}\n")
        return 1
    return 0


async def _serve(settings: Settings, role: str, door: Door) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(settings, role=role) as application:
        keep_what_is_loaded()
        await door(application, settings, stop)


@asynccontextmanager
async def announced(host: str, port: int) -> AsyncIterator[None]:
    """Announce readiness as soon as somebody who connects is let in."""
    announcing = asyncio.create_task(_announce_when_listening(host, port))
    try:
        yield
    finally:
        announcing.cancel()


async def _announce_when_listening(host: str, port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(KNOCK_SECONDS)
            continue
        writer.close()
        announce_ready()
        return
