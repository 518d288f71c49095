"""Finding conversations that went quiet with something new in them, and having them read."""

from __future__ import annotations

from dataclasses import dataclass

from application.ports.extraction_queue import ExtractionQueue
from application.ports.extractions import Extractions

IDLE_SECONDS = 600.0
LOOKED_AT_MAX = 500
"""Conversations that are held at a time: few enough that nobody who writes in one waits long."""
ROUNDS_MAX = 20
RUNS_PER_WAKE_UP = 16
WAKE_UPS_MAX = 64


@dataclass(frozen=True, slots=True)
class ScheduleExtractions:
    """Opens a run for each conversation that is due, and wakes workers for all that wait. Any number may do so."""

    extractions: Extractions
    queue: ExtractionQueue
    idle_seconds: float
    price: int

    async def __call__(self) -> int:
        """How many runs were opened. Raises Unavailable."""
        opened = 0
        for _ in range(ROUNDS_MAX):
            just_opened = await self.extractions.open_due(self.idle_seconds, self.price, LOOKED_AT_MAX)
            opened += just_opened
            if just_opened < LOOKED_AT_MAX:
                break
        waiting = await self.extractions.waiting(WAKE_UPS_MAX * RUNS_PER_WAKE_UP)
        if waiting:
            await self.queue.wake(1 + (waiting - 1) // RUNS_PER_WAKE_UP)
        return opened
