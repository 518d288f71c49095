"""What a person should look at."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from application.app import Application
from application.console import SignedIn
from application.pages import PageRequest
from domain.monitoring import AlertState
from entrypoints.rest.dashboard.pages import Desk

ALERTS_SHOWN = 30
STATES = {"open": AlertState.OPEN, "resolved": AlertState.RESOLVED, "all": None}


@get("/alerts")
async def show_alerts_of_all(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    show: FromQuery[str] = "open",
    cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """Everyone's alerts, and the house's own."""
    desk = await Desk.of(request, application, signed_in, None)
    page = PageRequest(ALERTS_SHOWN, cursor, newest_first=True)
    found = await application.alerts.of_all(desk.caller, STATES.get(show), page)
    return desk.page("alerts", alerts=found, show=show, is_first=cursor is None)


@get("/users/{user_id:uuid}/alerts")
async def show_alerts(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
    show: FromQuery[str] = "open",
    cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """One user's alerts."""
    desk = await Desk.of(request, application, signed_in, user_id)
    page = PageRequest(ALERTS_SHOWN, cursor, newest_first=True)
    found = await application.alerts.of_user(desk.caller, user_id, STATES.get(show), page)
    return desk.page("alerts", alerts=found, show=show, is_first=cursor is None)


routes = [show_alerts_of_all, show_alerts]
