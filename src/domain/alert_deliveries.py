"""Telling the outside world that an alert opened or ended: what is told, where, and how often it is tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.monitoring import Alert

BACKOFF_SECONDS_FIRST = 5.0
BACKOFF_SECONDS_MAX = 3_600.0
GIVEN_UP_SECONDS = 24 * 3_600.0
"""How old news may become. Who was out of reach for a day finds what is open in the list of alerts."""


class Destination(StrEnum):
    """Where it is told beside the log."""

    WEBHOOK = "webhook"
    EMAIL = "email"


class AlertEvent(StrEnum):
    """What is told of an alert."""

    OPENED = "opened"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class AlertDelivery:
    """One thing to be told at one destination.

    `attempts` counts those that were begun, this one included; `age_seconds` is how long ago it happened.
    """

    alert: Alert
    event: AlertEvent
    destination: Destination
    attempts: int
    age_seconds: float

    @property
    def id(self) -> str:
        """The same in each attempt: who has seen it may drop what comes again."""
        return f"{self.alert.id}_{self.event}"

    @property
    def happened_at(self) -> datetime:
        """When the alert opened, or ended."""
        ended_at = self.alert.resolved_at if self.event is AlertEvent.RESOLVED else None
        return ended_at or self.alert.opened_at


def retry_seconds(attempts: int, age_seconds: float) -> float | None:
    """How long to wait after so many attempts: twice as long each time, up to an hour. None: it is given up."""
    if age_seconds >= GIVEN_UP_SECONDS:
        return None
    return min(BACKOFF_SECONDS_FIRST * 2.0 ** min(attempts - 1, 20), BACKOFF_SECONDS_MAX)
