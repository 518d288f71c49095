"""Erasing at the model's provider what is gone here."""

from __future__ import annotations

from dataclasses import dataclass

from application.ports.erasures import Erasures, ModelEraser
from domain.erasing import backoff_seconds

BATCH = 10
ERASE_SECONDS_MAX = 25.0
"""One that takes longer goes on where it was in its next attempt: what is deleted stays deleted."""
LEASE_SECONDS = 300.0
"""Longer than a whole batch takes."""


@dataclass(frozen=True, slots=True)
class EraseAtModel:
    """Erases conversations with their items, and stored responses, until the last is gone. Two at once do no harm."""

    erasures: Erasures
    eraser: ModelEraser

    async def __call__(self) -> int:
        """Erase some of what is due. Returns how many are gone. Raises Unavailable when the store is out of reach."""
        gone = 0
        for erasure in await self.erasures.claim(LEASE_SECONDS, BATCH):
            if await self.eraser.erase(erasure, ERASE_SECONDS_MAX):
                await self.erasures.done(erasure)
                gone += 1
            else:
                await self.erasures.put_off(erasure, backoff_seconds(erasure.attempts))
        return gone
