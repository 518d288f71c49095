"""``/alerts`` and ``/users/{user_id}/alerts``: what a person should look at."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from application.app import Application
from application.pages import Page, PageRequest
from domain.alert_rules import Severity, severity_of
from domain.monitoring import Alert, AlertKind, AlertState
from domain.shared import InvalidInput
from domain.users import Caller
from entrypoints.rest.paging import Listing

# An argument called `state` would be given the framework's own; and of one with another name the framework would tell
# that name when the value is wrong. So it comes as a text, and is checked here.
State = Annotated[
    str | None, QueryParameter(name="state", description="`open` or `resolved`.", schema_extra={"enum": [*AlertState]})
]


class AlertView(msgspec.Struct):
    """An alert; `subject` is the id of what it is about, and `user_id` null when it is the house's own.

    `critical` is to be looked at at once, `warning` today.
    """

    id: UUID
    user_id: UUID | None
    kind: AlertKind
    severity: Severity
    subject: str
    detail: str
    opened_at: datetime
    resolved_at: datetime | None
    times: int


@get("/alerts")
async def list_alerts(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    page: NamedDependency[PageRequest],
    wanted: State = None,
) -> Listing[AlertView]:
    """List all alerts (admin)."""
    return _listing(await application.alerts.of_all(caller, _state(wanted), page))


@get("/users/{user_id:uuid}/alerts")
async def list_alerts_of_user(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
    wanted: State = None,
) -> Listing[AlertView]:
    """List a user's alerts."""
    return _listing(await application.alerts.of_user(caller, user_id, _state(wanted), page))


def _listing(page: Page[Alert]) -> Listing[AlertView]:
    return Listing([_view(alert) for alert in page.items], page.next_cursor)


def _view(alert: Alert) -> AlertView:
    return AlertView(
        id=alert.id,
        user_id=alert.user_id,
        kind=alert.kind,
        severity=severity_of(alert),
        subject=alert.subject,
        detail=alert.detail,
        opened_at=alert.opened_at,
        resolved_at=alert.resolved_at,
        times=alert.times,
    )


def _state(word: str | None) -> AlertState | None:
    try:
        return None if word is None else AlertState(word)
    except ValueError:
        raise InvalidInput("state", "It must be open or resolved.") from None


routes = [list_alerts, list_alerts_of_user]
