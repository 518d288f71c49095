"""Who is to be told of alerts: noted by the transaction that changes one, sent afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.alert_deliveries import AlertDelivery, Destination


class NotDelivered(Exception):
    """The destination did not take it; the message says why, and holds nothing secret."""


class AlertDeliveries(Protocol):
    """What is noted and not told yet. Every call raises Unavailable when the store is out of reach."""

    async def claim(self, destination: Destination, lease_seconds: float, limit: int) -> Sequence[AlertDelivery]:
        """Up to `limit` that are due, the oldest first, each for one caller.

        One that does not come back is due again after the lease. The end of an alert waits until its beginning is
        told or given up.
        """
        ...

    async def done(self, delivery: AlertDelivery) -> None:
        """It is told, or given up, and forgotten here."""
        ...

    async def put_off(self, delivery: AlertDelivery, seconds: float) -> None:
        """It is to be tried again after so many seconds."""
        ...

    async def drop(self, destination: Destination) -> None:
        """Nobody is there to be told: forget all that is noted for it."""
        ...


class AlertSender(Protocol):
    """One destination."""

    async def send(self, delivery: AlertDelivery) -> None:
        """Tell it, within seconds. Raises NotDelivered."""
        ...
