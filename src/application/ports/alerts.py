"""What a person should look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.pages import Page, PageRequest
from domain.monitoring import Alert, AlertKind, AlertState


@dataclass(frozen=True, slots=True)
class Watched:
    """What a look at all causes of a kind changed."""

    opened: int = 0
    resolved: int = 0


class Alerts(Protocol):
    """One open alert for each cause: a kind and a subject. Each one that opens is a warning in the log."""

    async def raise_alert(self, kind: AlertKind, subject: str, user_id: UUID | None, detail: str) -> bool:
        """Report a cause. True when it opened an alert; one that is open already counts it and takes the detail.

        A full queue is the owner's of the phone number that is its subject. Raises NotFound when there is no such user.
        """
        ...

    async def resolve(self, kind: AlertKind, subject: str) -> bool:
        """Report that a cause has ended. True when an alert was open; the next report opens another one."""
        ...

    async def list(self, user_id: UUID | None, state: AlertState | None, page: PageRequest) -> Page[Alert]:
        """A user's alerts, everyone's and the house's own when `user_id` is None."""
        ...

    async def watch_sends(self, undecided_seconds: float) -> Watched:
        """Open `send_undecided` for each message whose send has been undecided that long; resolve the decided ones."""
        ...

    async def watch_credits(self) -> Watched:
        """Open `credits_exhausted` for each user with blocked messages, once until a top-up resolves it."""
        ...

    async def watch_set_aside(self, days_max: float) -> Watched:
        """Resolve `message_set_aside` where a later message was answered, it is gone, or so many days passed."""
        ...

    async def watch_refused(self, days_max: float) -> Watched:
        """Resolve `request_refused` where the phone number sent a later reply, it is gone, or so many days passed."""
        ...

    async def watch_balances(self) -> Watched:
        """Open `low_balance` for each user with fewer credits available than their threshold.

        It is resolved when more are available than that, so that it does not come and go with each hold at the edge,
        or when there is no threshold any more.
        """
        ...
