"""How much was answered, and how quickly: minute by minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTES_SHOWN = 60


@dataclass(frozen=True, slots=True)
class MinuteFigures:
    """The turns that ended in one minute.

    `unanswered` are those that ended without a reply the platform took. The waits are of the answered ones: from the
    customer's first message to the accepted reply, in seconds; None where there were none.
    """

    minute: datetime
    answered: int = 0
    unanswered: int = 0
    wait_seconds_p50: float | None = None
    wait_seconds_p99: float | None = None


def minute_of(moment: datetime) -> datetime:
    """The beginning of its minute."""
    return moment.replace(second=0, microsecond=0)


def whole_hour(known: Mapping[datetime, MinuteFigures], now: datetime) -> Sequence[MinuteFigures]:
    """The last MINUTES_SHOWN minutes with the one that is under way, oldest first; quiet ones are empty."""
    newest = minute_of(now)
    minutes = (newest - timedelta(minutes=ago) for ago in reversed(range(MINUTES_SHOWN)))
    return [known.get(minute, MinuteFigures(minute)) for minute in minutes]
