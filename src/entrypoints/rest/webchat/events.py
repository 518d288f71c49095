"""``/webchat/events``: the stream of one visitor, as server-sent events."""

from __future__ import annotations

from typing import Any

from litestar import Request, asgi
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from application.app import Application
from application.ports.live import Delta, Typing
from application.webchat.following import Heartbeat, Shown
from domain.webchat import ChatEntry
from entrypoints.rest.event_streams import HEARTBEAT, after_in, event, send_stream
from entrypoints.rest.webchat.cors import bearer_of
from entrypoints.rest.webchat.routes import PREFLIGHT_HEADERS, let_in

SEQUENCE_MAX = 2**53


def create_events_route(application: Application) -> ASGIRouteHandler:
    """Both methods of the address: a raw route owns all of them."""

    @asgi("/webchat/events", copy_scope=False)
    async def events(scope: Scope, receive: Receive, send: Send) -> None:
        request: Request[Any, Any, Any] = Request(scope)
        match request.method:
            case "GET":
                await _stream(application, request, receive, send)
            case "OPTIONS":
                await let_in(application, request)
                headers = [(name.encode(), value.encode()) for name, value in PREFLIGHT_HEADERS.items()]
                await send({"type": "http.response.start", "status": 204, "headers": headers})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            case _:
                raise MethodNotAllowedException(headers={"allow": "GET, OPTIONS"})

    return events


async def _stream(application: Application, request: Request[Any, Any, Any], receive: Receive, send: Send) -> None:
    origin = await let_in(application, request)
    after = after_in(request, SEQUENCE_MAX)
    web_chat, session = await application.visitor(bearer_of(request.headers), origin)
    await send_stream(application.follow_chat(web_chat, session, after), event_of, receive, send)


def event_of(shown: Shown) -> bytes:
    """One thing as an event. A visitor sees the text, who wrote it and when; nothing of how it came about."""
    match shown:
        case ChatEntry(sequence, author, text, at, own_id):
            view = {"sequence": sequence, "author": author, "text": text, "at": at}
            return event(b"message", view | ({"id": own_id} if own_id else {}))
        case Delta(turn_id, start, text):
            return event(b"delta", {"turn": turn_id, "start": start, "text": text})
        case Typing():
            return event(b"typing", {})
        case Heartbeat():
            return HEARTBEAT
