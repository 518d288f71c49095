"""``/webhooks/meta``: the platform's handshake and its deliveries. Knows no provider, only bytes and limits.

A raw ASGI route, because every customer's message passes here: the framework's ordinary way costs more than
twice as much for each of them.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from litestar import asgi
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from application.app import Application
from entrypoints.rest.access import tell
from entrypoints.rest.limits import BodyTooLarge

BODY_BYTES_MAX = 4 * 1024 * 1024
"""Meta documents deliveries of up to 3 MB."""
DRAINED_BYTES_MAX = 8 * BODY_BYTES_MAX
"""How much of a body that is too large is read and thrown away, so that the sender lives to read the 413.

Whoever is answered in the middle of its sending sees a broken connection instead, and comes again and again.
"""
ELEMENTS = (
    "accepted", "duplicates", "unclaimed", "receipts", "echoes", "changes", "moves", "notices", "ignored", "unreadable",
)  # fmt: skip
"""What elements of a delivery come to, as the use case calls it."""


class Disconnected(Exception):
    """The platform hung up before it had sent the whole delivery: there is nobody to answer, and it comes again."""


def create_webhook_route(application: Application) -> ASGIRouteHandler:
    """Both methods of the address: a raw route owns all of them."""

    @asgi("/webhooks/meta", copy_scope=False)
    async def meta(scope: Scope, receive: Receive, send: Send) -> None:
        match scope["method"]:  # type: ignore[typeddict-item]
            case "POST":
                await _deliver(application, scope, receive, send)
            case "GET":
                query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
                await _answer(send, application.accept_webhook.challenge(query).encode())
            case _:
                raise MethodNotAllowedException(headers={"allow": "GET, POST"})

    return meta


async def _deliver(application: Application, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        body = await _read(receive, headers.get("content-length", ""))
    except Disconnected:
        return
    outcome = await application.accept_webhook(headers, body)
    elements = {name: count for name in ELEMENTS if (count := getattr(outcome, name))}
    application.telemetry.delivered(elements)
    tell(scope, **elements, queued=outcome.queued, message_ids=[str(id_) for id_ in outcome.message_ids])
    await _answer(send, b"ok")


async def _read(receive: Receive, announced: str) -> bytes:
    """The whole body. Raises BodyTooLarge or Disconnected; of what is too large nothing is kept."""
    if announced.isdecimal() and int(announced) > DRAINED_BYTES_MAX:
        raise BodyTooLarge
    body, length = bytearray(), 0
    while (message := await receive())["type"] == "http.request":
        length += len(message["body"])
        if length <= BODY_BYTES_MAX:
            body += message["body"]
        if length > DRAINED_BYTES_MAX:
            raise BodyTooLarge
        if not message.get("more_body", False):
            break
    else:
        raise Disconnected
    if length > BODY_BYTES_MAX:
        raise BodyTooLarge
    return bytes(body)


async def _answer(send: Send, body: bytes) -> None:
    length = str(len(body)).encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
