"""What happened lately, in numbers, and who is at work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.figures import MinuteFigures

WORKERS_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker as its row tells: where it is (None where nobody said), whether its lease holds, its turns in hand."""

    id: UUID
    host: str | None
    process_id: int | None
    started_at: datetime | None
    lease_until: datetime
    is_alive: bool
    turns: int


class Figures(Protocol):
    """Read from what happened, so that they are right over all processes and restarts."""

    async def minutes(self, user_id: UUID | None, count: int) -> Sequence[MinuteFigures]:
        """The last `count` minutes and the one under way, of one user, or of all when `user_id` is None.

        Only minutes in which a turn ended are there, oldest first.
        """
        ...

    async def workers(self) -> Sequence[WorkerSeen]:
        """Up to WORKERS_SHOWN_MAX workers, the living first, then by age."""
        ...
