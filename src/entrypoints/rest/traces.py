"""``/users/{user_id}/messages/{message_id}/trace``: where a message is, and why it has no answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from application.app import Application
from domain.traces import Stage
from domain.users import Caller
from entrypoints.rest.bodies import view
from entrypoints.rest.messages import Direction, MessageStatus


class StepView(msgspec.Struct):
    """A stage that a message reached, and what else is to be said of it."""

    stage: Stage
    at: datetime
    detail: str | None


class TraceView(msgspec.Struct):
    """The way of a message; `reason` is why a customer's message has no answer, null when it has or will have one."""

    message_id: UUID
    direction: Direction
    status: MessageStatus
    reason: str | None
    turn_id: UUID | None
    reply_ids: list[UUID]
    steps: list[StepView]


@get("/users/{user_id:uuid}/messages/{message_id:uuid}/trace")
async def trace_message(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    message_id: FromPath[UUID],
) -> TraceView:
    """Tell every stage that a message passed, with times, and why it has no answer."""
    trace = await application.trace_message(caller, user_id, message_id)
    message = {"message_id": message_id, "direction": trace.message.direction, "status": trace.message.status}
    way = {"reason": trace.reason, "turn_id": trace.turn_id, "reply_ids": trace.reply_ids, "steps": trace.steps}
    return view(TraceView, message | way)


routes = [trace_message]
