"""The scheduler process. Two of them do no harm: every chore claims its work in Postgres."""

from __future__ import annotations

import asyncio

import structlog

from application.app import Application
from domain.shared import Unavailable

log = structlog.get_logger()

SWEEP_SECONDS = 1.0


async def run_scheduler(application: Application, stop: asyncio.Event) -> None:
    """Sweep every SWEEP_SECONDS until `stop` is set."""
    while not stop.is_set():
        await _sweep(application)
        try:
            await asyncio.wait_for(stop.wait(), SWEEP_SECONDS)
        except TimeoutError:
            continue


async def _sweep(application: Application) -> None:
    try:
        swept = await application.sweep()
    except Unavailable as error:
        log.warning("sweep_failed", reason=str(error))
        return
    if swept.requeued or swept.claimed:
        log.info("swept", requeued=swept.requeued, claimed=swept.claimed)
