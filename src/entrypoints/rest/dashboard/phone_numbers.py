"""Phone numbers: how they stand, and letting one answer again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from application.app import Application
from application.console import SignedIn
from application.pages import PageRequest
from entrypoints.rest.dashboard.overview import queues_of
from entrypoints.rest.dashboard.pages import Desk, back_to
from entrypoints.rest.dashboard.sessions import Form

AGENTS_MAX = 200


@get("/users/{user_id:uuid}/phone_numbers")
async def show_phone_numbers(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
) -> Response[Any]:
    """Each phone number with its status and its queue."""
    desk = await Desk.of(request, application, signed_in, user_id)
    agents = await application.agents.list(desk.caller, user_id, PageRequest(AGENTS_MAX))
    agents_on = {agent.phone_number_id: agent for agent in agents.items}
    return desk.page("phone_numbers", queues=await queues_of(desk), agents_on=agents_on)


@post("/users/{user_id:uuid}/phone_numbers/{phone_number_id:uuid}/resume")
async def resume_phone_number(
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    form: NamedDependency[Form],  # noqa: ARG001 - it is checked by being asked for
    user_id: FromPath[UUID],
    phone_number_id: FromPath[UUID],
) -> Response[Any]:
    """Let a phone number that was stopped answer again."""
    await application.phone_numbers.change(signed_in.caller, user_id, phone_number_id, None, resumes=True)
    return back_to(f"/dashboard/users/{user_id}/phone_numbers", "resumed_number")


routes = [show_phone_numbers, resume_phone_number]
