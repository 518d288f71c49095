"""Erasing at the model's provider what is gone here."""

from __future__ import annotations

from dataclasses import dataclass

from application.ports.erasures import Erasures, ModelEraser
from domain.erasing import backoff_seconds

BATCH = 20
ERASE_SECONDS_MAX = 30.0
"""One that takes longer goes on where it was in its next attempt: what is deleted stays deleted."""
LEASE_SECONDS = 120.0
"""Longer than a batch takes."""


@dataclass(frozen=True, slots=True)
class EraseAtModel:
    """Erases conversations with their items, and stored responses, until the last is gone. Two at once do no harm."""

    erasures: Erasures
    eraser: ModelEraser

    async def __call__(self) -> int:
        """Erase some of what is due. Returns how many are gone; BATCH means that there may be more.

        Raises Unavailable when the store is out of reach.
        """
        claimed = await self.erasures.claim(LEASE_SECONDS, BATCH)
        if not claimed:
            return 0
        outcomes = list(zip(claimed, await self.eraser.erase(claimed, ERASE_SECONDS_MAX), strict=True))
        gone = [erasure for erasure, is_gone in outcomes if is_gone]
        await self.erasures.done(gone)
        for erasure in [erasure for erasure, is_gone in outcomes if not is_gone]:
            await self.erasures.put_off(erasure, backoff_seconds(erasure.attempts))
        return len(gone)
