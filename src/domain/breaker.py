"""When to stop knocking: a provider that keeps failing is left alone for a while, then tried by one caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FAILURES_MAX = 5
"""So many in a row mean that it is not about one caller."""
OPEN_SECONDS = 5.0


@dataclass(slots=True)
class Breaker:
    """Closed while things go well; open after FAILURES_MAX failures in a row, then one trial every OPEN_SECONDS."""

    failures: int = 0
    next_trial_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls are held back."""
        return self.next_trial_at is not None

    def wait_seconds(self, now: datetime) -> float:
        """How long a call has to wait, 0 when it may go now. A call let through while open is the trial."""
        if self.next_trial_at is None:
            return 0.0
        if now < self.next_trial_at:
            return (self.next_trial_at - now).total_seconds()
        self.next_trial_at = now + timedelta(seconds=OPEN_SECONDS)
        return 0.0

    def succeeded(self) -> None:
        """Note a call that was answered, whatever the answer: the provider is there."""
        self.failures = 0
        self.next_trial_at = None

    def failed(self, now: datetime) -> None:
        """Note a call that was not answered."""
        self.failures += 1
        # Calls that were under way when it opened fail late: they must not put the next trial off again and again.
        if self.failures >= FAILURES_MAX and not self.is_open:
            self.next_trial_at = now + timedelta(seconds=OPEN_SECONDS)
