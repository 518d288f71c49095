"""What has to be erased at the model's provider: noted by the transaction that needs it, done afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.erasing import Erasure


class Erasures(Protocol):
    """What is noted and not done yet. Every call raises Unavailable when the store is out of reach.

    A conversation at the provider's is noted when ours goes, when another one takes its place, and when it was opened
    for a turn that is lost; a response when its turn goes, or is lost because its conversation went.
    """

    async def claim(self, lease_seconds: float, limit: int) -> Sequence[Erasure]:
        """Up to `limit` that are due, each for one caller; one that does not come back is due again after the lease."""
        ...

    async def done(self, erasures: Sequence[Erasure]) -> None:
        """They are gone there, and forgotten here."""
        ...

    async def put_off(self, erasure: Erasure, seconds: float) -> None:
        """It is to be tried again after so many seconds."""
        ...


class ModelEraser(Protocol):
    """The provider's side of it."""

    async def erase(self, erasures: Sequence[Erasure], timeout_seconds: float) -> Sequence[bool]:
        """Erase all at once, within so many seconds together.

        Tells for each whether it is gone, with all that belongs to it; what never was there is. Every failure is False.
        """
        ...
