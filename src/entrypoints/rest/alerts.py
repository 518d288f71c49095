"""``/alerts`` and ``/users/{user_id}/alerts``: what a person should look at."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from application.app import Application
from application.pages import PageRequest
from domain.monitoring import AlertKind, AlertState
from domain.users import Caller
from entrypoints.rest.paging import Listing, listing


class AlertView(msgspec.Struct):
    """An alert; `subject` is the id of what it is about, and `user_id` null when it is the house's own."""

    id: UUID
    user_id: UUID | None
    kind: AlertKind
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
    state: FromQuery[AlertState | None] = None,
) -> Listing[AlertView]:
    """List all alerts (admin)."""
    return listing(AlertView, await application.alerts.of_all(caller, state, page))


@get("/users/{user_id:uuid}/alerts")
async def list_alerts_of_user(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
    state: FromQuery[AlertState | None] = None,
) -> Listing[AlertView]:
    """List a user's alerts."""
    return listing(AlertView, await application.alerts.of_user(caller, user_id, state, page))


routes = [list_alerts, list_alerts_of_user]
