"""What the house tells of itself, and of its workers, to whoever watches it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

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
