"""What a person should look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from application.pages import Page, PageRequest
from domain.alert_rules import Limits
from domain.monitoring import Alert, AlertKind, AlertState


@dataclass(frozen=True, slots=True)
class Watched:
    """What a look at all causes of a kind changed."""

    opened: int = 0
    resolved: int = 0


class Alerts(Protocol):
    """One open alert for each cause: a kind and a subject. Each one that opens is a warning in the log.

    Whatever opens or ends one notes in the same transaction who is to be told: see AlertDeliveries.
    """

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

    async def watch(self, kind: AlertKind, limits: Limits) -> Watched:
        """Look for all causes of a kind; open an alert for each that has none, and resolve those that are over.

        The rules in `domain.alert_rules` say what opens and ends each kind that has limits. Of those that are only
        reported in passing the ends are looked for.
        """
        ...

    async def watch_models(self, shutdown_dates: Mapping[str, date], set_models: Mapping[str, str]) -> Watched:
        """Open `model_ending` for each prompt in use whose model has a date, and resolve the others.

        A prompt is in use in the version with which an agent speaks on a phone number. `set_models` are those that
        settings name; alerts of these are the house's own.
        """
        ...
