"""``/webchat/events``: the stream of one visitor, as server-sent events.

A raw ASGI route, because the framework's streams neither notice a reader that has stopped reading nor end what feeds
them when their reader leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qs

import msgspec
from litestar import Request, asgi
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from application.app import Application
from application.ports.live import Delta, StreamOver, Typing
from application.webchat.following import Heartbeat, Shown
from domain.shared import DomainError, InvalidInput
from domain.webchat import ChatEntry
from entrypoints.rest.webchat.cors import bearer_of
from entrypoints.rest.webchat.routes import PREFLIGHT_HEADERS, let_in

SEND_SECONDS_MAX = 20.0
"""A reader that takes nothing for so long is gone, or too slow to follow."""
STREAM_SECONDS_MAX = 900.0
"""Then the browser comes again: its session and its page's origin are looked at anew."""
RETRY_MILLISECONDS = 1_000
SEQUENCE_MAX = 2**53

_encode = msgspec.json.Encoder().encode


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
    after = _after(request)
    web_chat, session = await application.visitor(bearer_of(request.headers), origin)
    async with aclosing(application.follow_chat(web_chat, session, after)) as shown:
        first = await anext(shown)  # whatever can be refused is refused here, before the answer begins
        sending = asyncio.create_task(_send_all(first, shown, send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, timeout=STREAM_SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED)
            has_left = leaving.done()
        finally:
            leaving.cancel()
            sending.cancel()
            ended, _ = await asyncio.gather(sending, leaving, return_exceptions=True)
        if not has_left:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        if isinstance(ended, Exception):
            raise ended


async def _send_all(first: Shown, shown: AsyncIterator[Shown], send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    try:
        await _send(send, b"retry: %d\n\n" % RETRY_MILLISECONDS)
        await _send(send, event_of(first))
        async for each in shown:
            await _send(send, event_of(each))
    except (StreamOver, TimeoutError, DomainError):
        return  # the browser comes again, and is told then what is wrong


async def _send(send: Send, event: bytes) -> None:
    async with asyncio.timeout(SEND_SECONDS_MAX):
        await send({"type": "http.response.body", "body": event, "more_body": True})


async def _left(receive: Receive) -> None:
    """Return when the reader has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _after(request: Request[Any, Any, Any]) -> int:
    given = parse_qs(request.url.query).get("after", ["0"])[-1]
    if not given.isascii() or not given.isdecimal() or int(given) > SEQUENCE_MAX:
        raise InvalidInput("after", "It must be the sequence number of the last message that was seen, or 0.")
    return int(given)


def event_of(shown: Shown) -> bytes:
    """One thing as an event. A visitor sees the text, who wrote it and when; nothing of how it came about."""
    match shown:
        case ChatEntry(sequence, author, text, at, own_id):
            view = {"sequence": sequence, "author": author, "text": text, "at": at}
            return _event(b"message", view | ({"id": own_id} if own_id else {}))
        case Delta(turn_id, start, text):
            return _event(b"delta", {"turn": turn_id, "start": start, "text": text})
        case Typing():
            return _event(b"typing", {})
        case Heartbeat():
            return b":\n\n"


def _event(name: bytes, data: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name, _encode(data))
