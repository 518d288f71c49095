"""``/users/{user_id}/messages``: what was said, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from application.app import Application
from application.pages import PageRequest
from application.ports.conversations import MessageFilter
from domain.traces import Stage
from domain.users import Caller
from entrypoints.rest.bodies import view
from entrypoints.rest.filters import checked_customer, checked_time
from entrypoints.rest.idempotency import IdempotencyKey
from entrypoints.rest.paging import Listing, listing

Direction = Literal["inbound", "outbound"]
MessageStatus = Literal[
    "received",
    "answered",
    "unanswerable",
    "blocked",
    "pending",
    "sending",
    "sent",
    "delivered",
    "read",
    "failed",
    "unknown",
]


class MessageView(msgspec.Struct):
    """A message."""

    id: UUID
    conversation_id: UUID
    phone_number_id: UUID
    sequence_number: int
    direction: Direction
    author: str
    type: str
    text: str | None
    status: MessageStatus
    reason: str | None
    platform_message_id: str | None
    error: dict[str, Any] | None
    created_at: datetime


@get("/users/{user_id:uuid}/messages")
async def list_messages(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
    conversation_id: FromQuery[UUID | None] = None,
    phone_number_id: FromQuery[UUID | None] = None,
    direction: FromQuery[Direction | None] = None,
    status: FromQuery[MessageStatus | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    customer: FromQuery[str | None] = None,
) -> Listing[MessageView]:
    """List a user's messages."""
    wanted = MessageFilter(
        conversation_id,
        phone_number_id,
        direction,
        status,
        checked_time(since, "since"),
        checked_time(until, "until"),
        checked_customer(customer),
    )
    return listing(MessageView, await application.conversations.messages(caller, user_id, wanted, page))


@post("/users/{user_id:uuid}/messages/{message_id:uuid}/retry", status_code=202)
async def retry_message(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    message_id: FromPath[UUID],
    idempotency_key: IdempotencyKey = None,
) -> MessageView:
    """Send a failed message again, with the same content; it costs a credit when the platform takes it."""
    return view(MessageView, await application.retry_message(caller, user_id, message_id, idempotency_key))


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


routes = [list_messages, retry_message, trace_message]
