"""Reads how much is to be done and tells the supervisor, which has no connection of its own."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict

import structlog

from application.ports.backlog import Backlog
from domain.scaling import BacklogSize
from domain.shared import Unavailable
from entrypoints.container import opened_backlog
from entrypoints.readiness import announce_ready, tell
from entrypoints.settings import load_settings

log = structlog.get_logger()

READ_SECONDS = 1.0
SECONDS_MAX = 3.0
"""How long one reading may take."""


def gauge_process() -> int:
    """Read and tell until somebody ends us: there is nothing to leave in order."""
    announce_ready()
    asyncio.run(_read_on())
    return 0


def read_line(line: str) -> BacklogSize | None:
    """What a line says that the gauge told; None for one that says that nobody knows."""
    return BacklogSize(**json.loads(line)) if line else None


async def _read_on() -> None:
    settings = load_settings(os.environ)
    while True:
        try:
            async with opened_backlog(settings) as backlog:
                await _tell_sizes(backlog)
        except (Unavailable, TimeoutError) as error:
            log.warning("backlog_unknown", reason=str(error) or "Postgres is slow.")
        tell("")  # alive, but none the wiser
        await asyncio.sleep(READ_SECONDS)


async def _tell_sizes(backlog: Backlog) -> None:
    while True:
        async with asyncio.timeout(SECONDS_MAX):
            size = await backlog.size()
        tell(json.dumps(asdict(size)))
        await asyncio.sleep(READ_SECONDS)
