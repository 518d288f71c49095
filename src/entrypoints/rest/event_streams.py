"""Streams of server-sent events, sent by ourselves.

The framework's own neither notice a reader that has stopped reading nor end what feeds them when their reader leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, TypeVar
from urllib.parse import parse_qs

import msgspec
from litestar import Request
from litestar.response import Stream
from litestar.types import ASGIApp, Receive, Send

from application.ports.live import StreamOver
from domain.shared import DomainError, InvalidInput

SEND_SECONDS_MAX = 20.0
"""A reader that takes nothing for so long is gone, or too slow to follow."""
STREAM_SECONDS_MAX = 900.0
"""Then the reader comes again: what it shows is looked at anew."""
RETRY_MILLISECONDS = 1_000
DIGITS_MAX = 16
HEARTBEAT = b":\n\n"

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


class EventStream(Stream):
    """What a route gives back that answers with a stream of events."""

    def __init__(self, shown: AsyncGenerator[T, None], event_of: Callable[[T], bytes]) -> None:
        super().__init__((), media_type="text/event-stream")
        self._answer = lambda _scope, receive, send: send_stream(shown, event_of, receive, send)

    def to_asgi_response(self, *_args: Any, **_options: Any) -> ASGIApp:  # type: ignore[override]  # noqa: ANN401
        """What the framework calls to have the answer sent."""
        return self._answer


async def send_stream(
    shown: AsyncGenerator[T, None], event_of: Callable[[T], bytes], receive: Receive, send: Send
) -> None:
    """Send everything that is shown until either side has enough. Raises what is refused before the first thing."""
    async with aclosing(shown):
        first = await anext(shown)  # whatever can be refused is refused here, before the answer begins
        sending = asyncio.create_task(_send_all(first, shown, event_of, send))
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


def event(name: bytes, data: object) -> bytes:
    """One event, its data as JSON."""
    return b"event: %b\ndata: %b\n\n" % (name, _encode(data))


def after_in(request: Request[Any, Any, Any], highest: int) -> int:
    """The sequence number that the query names. Raises InvalidInput."""
    given = parse_qs(request.url.query, keep_blank_values=True).get("after", ["0"])[-1]
    if not given.isascii() or not given.isdecimal() or len(given) > DIGITS_MAX or int(given) > highest:
        raise InvalidInput("after", "It must be the sequence number of the last message that was seen, or 0.")
    return int(given)


async def _send_all(first: T, shown: AsyncIterator[T], event_of: Callable[[T], bytes], send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    try:
        await _send(send, b"retry: %d\n\n" % RETRY_MILLISECONDS)
        await _send(send, event_of(first))
        async for each in shown:
            await _send(send, event_of(each))
    except (StreamOver, TimeoutError, DomainError):
        return  # the reader comes again, and is told then what is wrong


async def _send(send: Send, data: bytes) -> None:
    async with asyncio.timeout(SEND_SECONDS_MAX):
        await send({"type": "http.response.body", "body": data, "more_body": True})


async def _left(receive: Receive) -> None:
    """Return when the reader has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
