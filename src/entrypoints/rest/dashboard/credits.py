"""Credits: what is there, where it went, and more of it."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID, uuid4

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from application.app import Application
from application.console import SignedIn
from application.pages import PageRequest
from application.usage import USAGE_DAYS
from domain.credits import UsageGroup
from domain.shared import InvalidInput
from entrypoints.rest.dashboard.pages import Desk, back_to
from entrypoints.rest.dashboard.sessions import Form, act_once
from entrypoints.rest.dashboard.words import number_name
from entrypoints.rest.errors import status_of

ENTRIES_SHOWN = 30
USAGE = PageRequest(31, newest_first=True)
NAMES_MAX = 200


@get("/users/{user_id:uuid}/credits")
async def show_credits(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
    cursor: FromQuery[str | None] = None,
    group_by: FromQuery[UsageGroup] = UsageGroup.DAY,
) -> Response[Any]:
    """The account, what it was spent on, and the newest lines of its ledger."""
    desk = await Desk.of(request, application, signed_in, user_id)
    return await _shown(desk, cursor, {}, group=group_by)


@post("/users/{user_id:uuid}/credits/add")
async def add_credits(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    form: NamedDependency[Form],
    user_id: FromPath[UUID],
) -> Response[Any]:
    """Top up, once for each form that was shown."""
    try:
        add = partial(application.credits.add, signed_in.caller, user_id, _amount(form), form.get("note") or None)
        await act_once(application, request, form, add)
    except InvalidInput as error:
        desk = await Desk.of(request, application, signed_in, user_id)
        return await _shown(desk, None, form, f"{error.field}: {error}", status_of(type(error)))
    return back_to(f"/dashboard/users/{user_id}/credits", "added")


async def _shown(
    desk: Desk,
    cursor: str | None,
    form: Form,
    error: str | None = None,
    status: int = 200,
    group: UsageGroup = UsageGroup.DAY,
) -> Response[Any]:
    page = PageRequest(ENTRIES_SHOWN, cursor, newest_first=True)
    return desk.page(
        "credits",
        status=status,
        account=await desk.application.credits.account(desk.caller, desk.user_id),
        entries=await desk.application.credits.entries(desk.caller, desk.user_id, page),
        usage=await desk.application.report_usage(desk.caller, desk.user_id, group, USAGE),
        usage_days=USAGE_DAYS,
        group=group,
        groups=list(UsageGroup),
        names=await _names(desk, group),
        is_first=cursor is None,
        entered=form,
        error=error,
        key=uuid4(),
    )


async def _names(desk: Desk, group: UsageGroup) -> dict[str, str]:
    """What people call the agents or phone numbers of the report."""
    page, application = PageRequest(NAMES_MAX), desk.application
    if group is UsageGroup.AGENT:
        agents = await application.agents.list(desk.caller, desk.user_id, page)
        return {str(agent.id): agent.name for agent in agents.items}
    if group is UsageGroup.PHONE_NUMBER:
        numbers = await application.phone_numbers.list(desk.caller, desk.user_id, page)
        return {str(number.id): number_name(number) for number in numbers.items}
    return {}


def _amount(form: Form) -> int:
    word = form.get("amount", "").strip()
    if not word.isdecimal():
        raise InvalidInput("amount", "It must be a whole number above 0.")
    return int(word[:20])


routes = [show_credits, add_credits]
