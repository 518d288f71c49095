"""One message: its way, and another try."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from application.app import Application
from application.console import SignedIn
from entrypoints.rest.dashboard.pages import Desk, back_to
from entrypoints.rest.dashboard.sessions import Form


@get("/users/{user_id:uuid}/messages/{message_id:uuid}")
async def show_trace(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
    message_id: FromPath[UUID],
) -> Response[Any]:
    """Every stage the message passed."""
    desk = await Desk.of(request, application, signed_in, user_id)
    trace = await application.trace_message(desk.caller, user_id, message_id)
    return desk.page("trace", trace=trace, message=trace.message)


@post("/users/{user_id:uuid}/messages/{message_id:uuid}/retry")
async def retry(
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    form: NamedDependency[Form],  # noqa: ARG001 - it is checked by being asked for
    user_id: FromPath[UUID],
    message_id: FromPath[UUID],
) -> Response[Any]:
    """Send a failed message again."""
    message = await application.retry_message(signed_in.caller, user_id, message_id)
    return back_to(f"/dashboard/users/{user_id}/conversations/{message.conversation_id}", "retried", f"#m{message_id}")


routes = [show_trace, retry]
