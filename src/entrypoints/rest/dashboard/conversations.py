"""Conversations: found, followed, and taken over."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from application.app import Application
from application.console import SignedIn
from application.pages import PageRequest
from application.ports.conversations import ConversationFilter, MessageFilter
from domain.conversations import ConversationStatus
from domain.credits import InsufficientCredits
from domain.leads.runs import NothingToRead
from domain.shared import Conflict, InvalidInput
from entrypoints.rest.dashboard.filters import id_in
from entrypoints.rest.dashboard.leads import runs_of
from entrypoints.rest.dashboard.pages import Desk, back_to, or_none
from entrypoints.rest.dashboard.sessions import Form, act_once
from entrypoints.rest.errors import status_of
from entrypoints.rest.filters import checked_customer

CHOICES_MAX = 200
CONVERSATIONS_SHOWN = 30
MESSAGES_SHOWN = 50
PAUSES = {"60": 60.0, "720": 720.0, "": None}
"""How long a pause may be, as the form names it: in minutes, or until it is resumed."""


@get("/users/{user_id:uuid}/conversations")
async def show_conversations(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
) -> Response[Any]:
    """The list, newest first, with its filters."""
    desk = await Desk.of(request, application, signed_in, user_id)
    query = {name: value for name, value in request.query_params.items() if value}
    page = PageRequest(CONVERSATIONS_SHOWN, query.pop("cursor", None), newest_first=True)
    found = await application.conversations.list(desk.caller, user_id, _wanted(query), page)
    return desk.page(
        "conversations",
        conversations=found,
        query=query,
        next_query=urlencode({**query, "cursor": found.next_cursor}) if found.next_cursor else None,
        is_first=page.cursor is None,
        **await _choices(desk),
    )


@get("/users/{user_id:uuid}/conversations/{conversation_id:uuid}")
async def show_conversation(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
    before: FromQuery[str | None] = None,
) -> Response[Any]:
    """One conversation with its messages as they come."""
    desk = await Desk.of(request, application, signed_in, user_id)
    return await _shown(desk, conversation_id, before)


@post("/users/{user_id:uuid}/conversations/{conversation_id:uuid}/reply")
async def reply(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    form: NamedDependency[Form],
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
) -> Response[Any]:
    """Answer in the place of the agent. What cannot be sent now stays in the form, with the reason."""
    text = form.get("text", "").replace("\r\n", "\n")
    send = partial(application.reply_by_hand, signed_in.caller, user_id, conversation_id, text)
    try:
        await act_once(application, request, form, send)
    except (Conflict, InvalidInput) as error:
        desk = await Desk.of(request, application, signed_in, user_id)
        return await _shown(desk, conversation_id, None, text, str(error), status_of(type(error)))
    return back_to(_path(user_id, conversation_id), "replied", "#end")


@post("/users/{user_id:uuid}/conversations/{conversation_id:uuid}/pause")
async def pause(
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    form: NamedDependency[Form],
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
) -> Response[Any]:
    """Silence the agent."""
    minutes = form.get("minutes", "")
    if minutes not in PAUSES:
        raise InvalidInput("minutes", "Choose one of the times of the list.")
    await application.pauses.pause(signed_in.caller, user_id, conversation_id, PAUSES[minutes])
    return back_to(_path(user_id, conversation_id), "paused")


@post("/users/{user_id:uuid}/conversations/{conversation_id:uuid}/resume")
async def resume(
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    form: NamedDependency[Form],  # noqa: ARG001 - it is checked by being asked for
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
) -> Response[Any]:
    """Let the agent answer again."""
    await application.pauses.resume(signed_in.caller, user_id, conversation_id)
    return back_to(_path(user_id, conversation_id), "resumed")


@post("/users/{user_id:uuid}/conversations/{conversation_id:uuid}/archive")
async def archive(
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    form: NamedDependency[Form],  # noqa: ARG001 - it is checked by being asked for
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
) -> Response[Any]:
    """End the conversation."""
    await application.conversations.archive(signed_in.caller, user_id, conversation_id)
    return back_to(_path(user_id, conversation_id), "archived")


@post("/users/{user_id:uuid}/conversations/{conversation_id:uuid}/extract")
async def read_now(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    form: NamedDependency[Form],
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
) -> Response[Any]:
    """Have the conversation read for the customer's lead, once for each form that was shown."""
    ask = partial(application.extractions.request, signed_in.caller, user_id, conversation_id)
    try:
        await act_once(application, request, form, ask)
    except (InsufficientCredits, NothingToRead) as error:
        desk = await Desk.of(request, application, signed_in, user_id)
        return await _shown(desk, conversation_id, None, unread=str(error), status=status_of(type(error)))
    return back_to(_path(user_id, conversation_id), "reading")


def _path(user_id: UUID, conversation_id: UUID) -> str:
    return f"/dashboard/users/{user_id}/conversations/{conversation_id}"


async def _shown(
    desk: Desk,
    conversation_id: UUID,
    before: str | None,
    text: str = "",
    error: str | None = None,
    status: int = 200,
    unread: str | None = None,
) -> Response[Any]:
    application, caller, user_id = desk.application, desk.caller, desk.user_id
    conversation = await application.conversations.get(caller, user_id, conversation_id)
    page = PageRequest(MESSAGES_SHOWN, before, newest_first=True)
    wanted = MessageFilter(conversation_id=conversation_id)
    messages = await application.conversations.messages(caller, user_id, wanted, page)
    return desk.page(
        "conversation",
        status=status,
        conversation=conversation,
        messages=list(reversed(messages.items)),
        older=messages.next_cursor,
        is_newest=before is None,
        phone_number=await or_none(application.phone_numbers.get(caller, user_id, conversation.phone_number_id)),
        agent=conversation.agent_id and await or_none(application.agents.get(caller, user_id, conversation.agent_id)),
        text=text,
        error=error,
        runs=await runs_of(desk, conversation_id, 1),
        unread=unread,
        key=uuid4(),
    )


async def _choices(desk: Desk) -> dict[str, Any]:
    page = PageRequest(CHOICES_MAX)
    numbers = await desk.application.phone_numbers.list(desk.caller, desk.user_id, page)
    agents = await desk.application.agents.list(desk.caller, desk.user_id, page)
    return {
        "numbers": {one.id: one for one in numbers.items},
        "agents": {one.id: one for one in agents.items},
        "statuses": list(ConversationStatus),
    }


def _wanted(query: Mapping[str, str]) -> ConversationFilter:
    status = query.get("status")
    return ConversationFilter(
        status=status if status in set(ConversationStatus) else None,
        phone_number_id=id_in(query.get("phone_number_id")),
        agent_id=id_in(query.get("agent_id")),
        customer=checked_customer(query.get("customer", "").strip() or None),
    )


routes = [show_conversations, show_conversation, reply, pause, resume, archive, read_now]
