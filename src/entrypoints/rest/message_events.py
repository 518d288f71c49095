"""``/users/{user_id}/conversations/{conversation_id}/events``: a conversation as server-sent events."""

from __future__ import annotations

from typing import Any

from litestar import Request, asgi
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from application.app import Application
from application.conversations.follow_messages import Heartbeat, Told
from entrypoints.rest.bodies import view
from entrypoints.rest.event_streams import HEARTBEAT, after_in, event, send_stream
from entrypoints.rest.messages import MessageView

PATH = "/users/{user_id:uuid}/conversations/{conversation_id:uuid}/events"
SEQUENCE_MAX = 2**31 - 1


def create_message_events_route(application: Application) -> ASGIRouteHandler:
    """Follow a conversation; a raw route owns all methods of its address."""

    @asgi(PATH, copy_scope=False)
    async def follow_messages(scope: Scope, receive: Receive, send: Send) -> None:
        request: Request[Any, Any, Any] = Request(scope)
        if request.method != "GET":
            raise MethodNotAllowedException(headers={"allow": "GET"})
        user_id, conversation_id = request.path_params["user_id"], request.path_params["conversation_id"]
        after = after_in(request, SEQUENCE_MAX)
        following = application.follow_messages(request.user, user_id, conversation_id, after)
        await send_stream(following, event_of, receive, send)

    return follow_messages


def event_of(told: Told | Heartbeat) -> bytes:
    """A message as it is now, and whether one of its number was told before."""
    if isinstance(told, Heartbeat):
        return HEARTBEAT
    return event(b"message", {"message": view(MessageView, told.message), "is_update": told.is_update})
