"""What happens, told to whoever watches the house. Nothing here is ever awaited or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WorkersSeen:
    """When an event loop of a worker last `ran_at`, and when one last could say that it lives: seconds since 1970.

    None: no living worker has.
    """

    ran_at: float | None
    beat_at: float | None


class Telemetry(Protocol):
    """Counts. What calls of the other ports cost and come to is counted around them and needs no word here."""

    def requested(self, door: str, route: str, status: str, seconds: float) -> None:
        """A door has answered. `route` is a template, never a path with somebody's ids in it."""
        ...

    def delivered(self, elements: Mapping[str, int]) -> None:
        """A platform's delivery was taken in: how many elements of it came to what."""
        ...

    def swept(self, requeued: int, claimed: int) -> None:
        """The sweeper queued conversations again, and stored messages whose phone number is known by now."""
        ...

    def in_flight(self, conversations: int) -> None:
        """So many conversations are in the hands of this worker."""
        ...

    def crashed(self) -> None:
        """A turn ended in a bug."""
        ...

    def interrupted(self) -> None:
        """A turn was left because a store was out of reach."""
        ...

    def heartbeat(self, *, succeeded: bool) -> None:
        """A worker said that it lives, or could not."""
        ...

    def workers_seen(self) -> WorkersSeen:
        """When the living workers of this machine last did what they do."""
        ...

    async def exposition(self) -> bytes:
        """Everything that the processes of this machine have counted, in Prometheus's text format."""
        ...
