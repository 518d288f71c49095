"""Telling the outside world of alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from application.ports.alert_deliveries import AlertDeliveries, AlertSender, NotDelivered
from domain.alert_deliveries import AlertDelivery, Destination, retry_seconds

BATCH = 10
LEASE_SECONDS = 300.0
"""Longer than a batch takes when the destination lets each attempt run into its time limit."""


@dataclass(frozen=True, slots=True)
class NotTold:
    """An attempt that failed, and why; the last one when it `is_given_up`."""

    delivery: AlertDelivery
    reason: str
    is_given_up: bool


@dataclass(frozen=True, slots=True)
class TellOfAlerts:
    """Tells one destination what is due: at least once, with back-off, for a day. Two at once do no harm.

    Without a sender nobody is to be told there, and what is noted for it is forgotten.
    """

    destination: Destination
    deliveries: AlertDeliveries
    sender: AlertSender | None

    async def __call__(self) -> Sequence[NotTold]:
        """Tell some of what is due. Returns what was not taken. Raises Unavailable when the store is out of reach."""
        if self.sender is None:
            await self.deliveries.drop(self.destination)
            return ()
        claimed = await self.deliveries.claim(self.destination, LEASE_SECONDS, BATCH)
        outcomes = [await self._tell(self.sender, delivery) for delivery in claimed]
        return [outcome for outcome in outcomes if outcome is not None]

    async def _tell(self, sender: AlertSender, delivery: AlertDelivery) -> NotTold | None:
        try:
            await sender.send(delivery)
        except NotDelivered as error:
            return await self._try_again(delivery, str(error))
        await self.deliveries.done(delivery)
        return None

    async def _try_again(self, delivery: AlertDelivery, reason: str) -> NotTold:
        seconds = retry_seconds(delivery.attempts, delivery.age_seconds)
        if seconds is None:
            await self.deliveries.done(delivery)
        else:
            await self.deliveries.put_off(delivery, seconds)
        return NotTold(delivery, reason, is_given_up=seconds is None)
