"""What the house tells of itself to whoever may watch it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

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
