"""What is to be done, over all phone numbers: read again and again by whoever decides how many workers there are."""

from __future__ import annotations

from typing import Protocol

from domain.scaling import BacklogSize


class Backlog(Protocol):
    """What waits in the store and what is under way, in one cheap call."""

    async def size(self) -> BacklogSize:
        """How much there is now.

        What no worker could answer does not wait: paused conversations, parked phone numbers, missing credit. Past some
        ten thousand it is not counted on. Raises Unavailable.
        """
        ...
