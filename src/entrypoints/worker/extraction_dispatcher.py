"""Runs of the extraction in flight: few at once, on the event loop of the turns, and left to others when we stop."""

from __future__ import annotations

import asyncio

import structlog

from application.extraction.extract_lead import RunExtractions
from application.ports.extractions import ClaimedRun
from domain.shared import Unavailable

log = structlog.get_logger()

IN_FLIGHT_MAX = 16
"""Few enough that replies never wait for a connection or for the processor."""
DRAIN_SECONDS = 10.0


class ExtractionDispatcher:
    """Takes runs while there are any and there is room. Everything here happens on one event loop."""

    def __init__(self, runs: RunExtractions) -> None:
        self._runs = runs
        self._serving: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._is_woken = False
        self._draining = False

    def wake(self) -> None:
        """Look for runs as soon as there is room."""
        self._is_woken = True
        if self._looking is None and not self._draining:
            self._looking = asyncio.create_task(self._look())

    async def drain(self) -> None:
        """Take no more, let what is in flight end, and leave the rest to whoever takes it up after its lease."""
        self._draining = True
        if self._looking is not None:
            self._looking.cancel()
        if self._serving:
            _, late = await asyncio.wait(self._serving, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _look(self) -> None:
        try:
            while self._is_woken:
                if len(self._serving) >= IN_FLIGHT_MAX:
                    await asyncio.wait(self._serving, return_when=asyncio.FIRST_COMPLETED)
                    continue
                self._is_woken = False
                await self._take(IN_FLIGHT_MAX - len(self._serving))
        finally:
            self._looking = None

    async def _take(self, room: int) -> None:
        try:
            taken = await self._runs.claim(room)
        except Unavailable as error:
            log.warning("extractions_not_claimed", reason=str(error))
            return
        for run in taken:
            task = asyncio.create_task(self._serve(run))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        if len(taken) == room:
            self._is_woken = True

    async def _serve(self, run: ClaimedRun) -> None:
        try:
            await self._runs.serve(run)
        except Unavailable as error:
            log.warning("extraction_interrupted", extraction_id=str(run.id), reason=str(error))
        except Exception:  # one run's bug must not end the others; it is taken up again when its lease has run out
            log.exception("extraction_crashed", extraction_id=str(run.id))
