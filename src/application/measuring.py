"""What the house tells of itself, of its workers and of its chores, to whoever watches it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime

from application.ports.clock import Clock
from application.ports.telemetry import Telemetry
from domain.shared import Unauthorized


@dataclass(frozen=True, slots=True)
class ShowMetrics:
    """Metrics of this machine's processes, and of the house. With a `token` only for those who show it.

    Without one they are shown where only this machine can ask, and nowhere else: they tell how a business does.
    """

    telemetry: Telemetry
    token: str | None = field(default=None, repr=False)
    is_private: bool = True

    async def __call__(self, shown: str | None) -> bytes:
        """Everything, in Prometheus's text format. Raises Unauthorized."""
        if self.token is None and not self.is_private:
            raise Unauthorized("Metrics are told beyond this machine only with a token: set METRICS_TOKEN.")
        if self.token is not None and not hmac.compare_digest((shown or "").encode(), self.token.encode()):
            raise Unauthorized("Show the token: Authorization: Bearer METRICS_TOKEN.")
        return await self.telemetry.exposition()


HUNG_SECONDS = 30.0
"""An event loop that has not run for so long is stuck: it is looked at every few seconds."""


@dataclass(frozen=True, slots=True)
class CheckWorkers:
    """How the workers of this machine are: None when they are well, the reason otherwise."""

    telemetry: Telemetry
    clock: Clock
    lease_seconds: float

    def running(self) -> str | None:
        """Whether one of them runs at all; starting them again helps where none does."""
        return None if self._is_fresh(self.telemetry.workers_seen().ran_at, HUNG_SECONDS) else "No worker runs."

    def working(self) -> str | None:
        """Whether one of them could say within its lease that it lives, and so may answer somebody."""
        beat_at = self.telemetry.workers_seen().beat_at
        return None if self._is_fresh(beat_at, self.lease_seconds) else "No worker has a lease."

    def _is_fresh(self, moment: float | None, seconds: float) -> bool:
        return moment is not None and self.clock.now().timestamp() - moment < seconds


STUCK_SECONDS = 120.0
"""A round of chores that has not ended for so long is stuck: with a store that is out it takes half a minute."""
BEHIND_SECONDS = 30.0
"""How long ago the last round may have been done: there is one every second."""


@dataclass(slots=True)
class CheckChores:
    """How the chores of this process are: None when they are well, the reason otherwise."""

    clock: Clock
    ended_at: datetime | None = None
    done_at: datetime | None = None

    def note(self, *, is_done: bool) -> None:
        """A round has ended; not all of it was done when the store was out of reach."""
        self.ended_at = self.clock.now()
        if is_done:
            self.done_at = self.ended_at

    def running(self) -> str | None:
        """Whether rounds end at all; starting the process again helps where they do not."""
        return None if self._is_fresh(self.ended_at, STUCK_SECONDS) else "No round of chores ends."

    def working(self) -> str | None:
        """Whether all that is to be done every second is done."""
        return None if self._is_fresh(self.done_at, BEHIND_SECONDS) else "The chores are not done."

    def _is_fresh(self, moment: datetime | None, seconds: float) -> bool:
        return moment is not None and (self.clock.now() - moment).total_seconds() < seconds
