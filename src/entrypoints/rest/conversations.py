"""``/users/{user_id}/conversations``: who speaks with whom."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from application.app import Application
from application.pages import PageRequest
from application.ports.conversations import ConversationFilter
from domain.conversations import ConversationStatus, PauseReason
from domain.users import Caller
from entrypoints.rest.bodies import view
from entrypoints.rest.filters import checked_customer, checked_time
from entrypoints.rest.paging import Listing, listing


class CustomerView(msgspec.Struct):
    """The person who writes in."""

    id: UUID
    address: str
    name: str | None


class ConversationView(msgspec.Struct):
    """A conversation."""

    id: UUID
    phone_number_id: UUID
    agent_id: UUID | None
    customer: CustomerView
    status: ConversationStatus
    openai_conversation_id: str | None
    message_count: int
    last_activity_at: datetime
    paused_until: datetime | None
    paused_reason: PauseReason | None
    created_at: datetime


class PauseBody(msgspec.Struct, forbid_unknown_fields=True):
    """How long the agent is to be silent; without a number, until it is resumed."""

    minutes: float | None = None


@get("/users/{user_id:uuid}/conversations")
async def list_conversations(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
    status: FromQuery[ConversationStatus | None] = None,
    phone_number_id: FromQuery[UUID | None] = None,
    agent_id: FromQuery[UUID | None] = None,
    customer: FromQuery[str | None] = None,
    active_since: FromQuery[datetime | None] = None,
) -> Listing[ConversationView]:
    """List a user's conversations."""
    wanted = ConversationFilter(
        status,
        phone_number_id,
        agent_id,
        checked_customer(customer),
        checked_time(active_since, "active_since"),
    )
    return listing(ConversationView, await application.conversations.list(caller, user_id, wanted, page))


@get("/users/{user_id:uuid}/conversations/{conversation_id:uuid}")
async def show_conversation(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
) -> ConversationView:
    """Show a conversation."""
    return view(ConversationView, await application.conversations.get(caller, user_id, conversation_id))


@post("/users/{user_id:uuid}/conversations/{conversation_id:uuid}/archive", status_code=200)
async def archive_conversation(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
) -> ConversationView:
    """End a conversation: the customer's next message opens another."""
    return view(ConversationView, await application.conversations.archive(caller, user_id, conversation_id))


@post("/users/{user_id:uuid}/conversations/{conversation_id:uuid}/pause", status_code=200)
async def pause_conversation(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
    data: JSONBody[PauseBody | None] = None,
) -> ConversationView:
    """Silence the agent in a conversation: what the customer writes waits."""
    paused = await application.pauses.pause(caller, user_id, conversation_id, None if data is None else data.minutes)
    return view(ConversationView, paused)


@post("/users/{user_id:uuid}/conversations/{conversation_id:uuid}/resume", status_code=200)
async def resume_conversation(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
) -> ConversationView:
    """End a pause: the agent answers what came meanwhile."""
    return view(ConversationView, await application.pauses.resume(caller, user_id, conversation_id))


routes = [list_conversations, show_conversation, archive_conversation, pause_conversation, resume_conversation]
