"""Slowing down when a platform says so: how long a turn waits, and how long a whole phone number rests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.delivery import Ambiguous, Deferred, Pace, SendOutcome, backoff_seconds

PACE_BASE = 4.0
"""Meta asks for waits of 4ⁿ seconds."""
CUSTOMER_STEPS_MAX = 4
NUMBER_STEPS_MAX = 3
REST_SECONDS_MAX = 3_600.0
"""No account of a platform's is believed for longer than this without asking it again."""
SPREAD_SECONDS_MAX = 5.0


def pace_seconds(attempt: int, steps_max: int = CUSTOMER_STEPS_MAX) -> float:
    """4ⁿ seconds with n = `attempt` (1 is the first failure), growing for `steps_max` attempts."""
    return PACE_BASE ** min(attempt, steps_max)


def deferral_seconds(deferred: Deferred, attempt: int, chance: float) -> float:
    """How long a turn waits before it tries a deferred message again; `attempt` and `chance` as in backoff_seconds.

    A customer's pace takes 4ⁿ seconds. When a whole number rests, its turns come back spread, and never early.
    """
    asked = deferred.after_seconds or 0.0
    if deferred.pace is Pace.CUSTOMER:
        return max(asked, pace_seconds(attempt))
    if deferred.pace is Pace.NUMBER:
        asked += chance * min(asked, SPREAD_SECONDS_MAX)
    return backoff_seconds(attempt, chance, asked)


@dataclass(slots=True)
class _Rest:
    until: datetime
    times: int


@dataclass(slots=True)
class Rests:
    """Which senders were told to slow down, until when, and how often in a row. Of one process."""

    _rests: dict[object, _Rest] = field(default_factory=dict)

    def wait_seconds(self, sender: object, now: datetime) -> float:
        """How long the sender still rests; 0 when it may send."""
        rest = self._rests.get(sender)
        return 0.0 if rest is None else max(0.0, (rest.until - now).total_seconds())

    def note(self, sender: object, outcome: SendOutcome, now: datetime) -> None:
        """Take in what a send of that sender's came to.

        Calls that were under way together are told the same together: they count once, and no rest is cut short.
        """
        before = self._rests.get(sender)
        if isinstance(outcome, Deferred) and outcome.pace is Pace.NUMBER:
            is_resting = before is not None and now < before.until
            times = (before.times if before else 0) + (0 if is_resting else 1)
            self._rest(sender, now, times, outcome.after_seconds or pace_seconds(times, NUMBER_STEPS_MAX))
        elif isinstance(outcome, Ambiguous) and outcome.rest_seconds:
            self._rest(sender, now, before.times if before else 0, outcome.rest_seconds)
        elif before is not None and now >= before.until:
            del self._rests[sender]

    def _rest(self, sender: object, now: datetime, times: int, seconds: float) -> None:
        until = now + timedelta(seconds=min(seconds, REST_SECONDS_MAX))
        before = self._rests.get(sender)
        self._rests[sender] = _Rest(until if before is None else max(until, before.until), times)
