"""``/users/{user_id}/conversations/{conversation_id}/events``: a conversation as server-sent events."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream

from application.app import Application
from application.conversations.follow_messages import Heartbeat, Told
from domain.users import Caller
from entrypoints.rest.bodies import view
from entrypoints.rest.event_streams import HEARTBEAT, EventStream, event
from entrypoints.rest.messages import MessageView

SEQUENCE_MAX = 2**31 - 1
ABOUT = """Events called `message`. Their data are JSON: `message`, as in the list of messages, and `is_update`, true
where one of that sequence number was told before. First comes what is stored behind `after`, then what is said and
what becomes of it. Come again behind the last sequence number when the stream ends."""


@get(
    "/users/{user_id:uuid}/conversations/{conversation_id:uuid}/events",
    responses={200: ResponseSpec(str, generate_examples=False, media_type="text/event-stream", description=ABOUT)},
)
async def follow_messages(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
    after: FromQuery[Annotated[int, QueryParameter(ge=0, le=SEQUENCE_MAX)]] = 0,
) -> Stream:
    """Follow a conversation as server-sent events."""
    return EventStream(application.follow_messages(caller, user_id, conversation_id, after), event_of)


def event_of(told: Told | Heartbeat) -> bytes:
    """A message as it is now, and whether one of its number was told before."""
    if isinstance(told, Heartbeat):
        return HEARTBEAT
    return event(b"message", {"message": view(MessageView, told.message), "is_update": told.is_update})


routes = [follow_messages]
