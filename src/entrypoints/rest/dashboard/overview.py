"""How things stand: of the house for the administrator, of one user for whoever has their key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from application.app import Application
from application.channels.read_queue import QueueReport
from application.console import SignedIn
from application.pages import PageRequest
from domain.channels import PhoneNumber
from domain.figures import MinuteFigures
from domain.monitoring import AlertState
from domain.shared import NotFound, Unavailable
from entrypoints.rest.dashboard.charts import Series
from entrypoints.rest.dashboard.pages import Desk, back_to

ALERTS_SHOWN = 5
NUMBERS_SHOWN = 25
LATELY_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Summary:
    """The last hour in a few numbers; the waits are of the last minutes in which something was answered."""

    answered: int
    unanswered: int
    wait_seconds_p50: float | None
    wait_seconds_p99: float | None


@get("/")
async def show_house(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    cursor: FromQuery[str | None] = None,
) -> Response[Any]:
    """The house, for the administrator; anybody else has one user only."""
    caller = signed_in.caller
    if caller.user_id is not None:
        return back_to(f"/dashboard/users/{caller.user_id}")
    desk = await Desk.of(request, application, signed_in, None)
    return desk.page(
        "house",
        **_charts(await application.figures.of_all(caller)),
        alerts=await application.alerts.of_all(caller, AlertState.OPEN, PageRequest(ALERTS_SHOWN, newest_first=True)),
        workers=await application.figures.workers(caller),
        users=await application.users.list(caller, PageRequest(cursor=cursor)),
    )


@get("/users/{user_id:uuid}")
async def show_overview(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
) -> Response[Any]:
    """One user's overview."""
    caller = signed_in.caller
    desk = await Desk.of(request, application, signed_in, user_id)
    alerts = PageRequest(ALERTS_SHOWN, newest_first=True)
    return desk.page(
        "overview",
        **_charts(await application.figures.of_user(caller, user_id)),
        alerts=await application.alerts.of_user(caller, user_id, AlertState.OPEN, alerts),
        account=await application.credits.account(caller, user_id),
        queues=await queues_of(desk),
    )


async def queues_of(desk: Desk) -> Sequence[tuple[PhoneNumber, QueueReport | None]]:
    """Each phone number with its queue; None where the queue cannot be reached, or the number has just gone."""
    numbers = await desk.application.phone_numbers.list(desk.caller, desk.user_id, PageRequest(NUMBERS_SHOWN))
    return [(one, await _queue(desk, one)) for one in numbers.items]


async def _queue(desk: Desk, phone_number: PhoneNumber) -> QueueReport | None:
    try:
        return await desk.application.read_queue(desk.caller, desk.user_id, phone_number.id)
    except (Unavailable, NotFound):
        return None


def _charts(hour: Sequence[MinuteFigures]) -> dict[str, Any]:
    return {
        "hour": hour,
        "times": [one.minute for one in hour],
        "summary": _summary(hour),
        "answers": [Series("Answered per minute", "bar", [one.answered for one in hour])],
        "errors": [Series("Not answered per minute", "bar-bad", [one.unanswered for one in hour])],
        "waits": [
            Series("Half wait no longer than", "line", [one.wait_seconds_p50 for one in hour]),
            Series("99 in 100 wait no longer than", "line-two", [one.wait_seconds_p99 for one in hour]),
        ],
    }


def _summary(hour: Sequence[MinuteFigures]) -> Summary:
    known = [one for one in hour[-LATELY_MINUTES:] if one.wait_seconds_p50 is not None]
    latest = known[-1] if known else None
    return Summary(
        sum(one.answered for one in hour),
        sum(one.unanswered for one in hour),
        latest.wait_seconds_p50 if latest else None,
        latest.wait_seconds_p99 if latest else None,
    )


routes = [show_house, show_overview]
