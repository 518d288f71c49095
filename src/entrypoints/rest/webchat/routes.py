"""``/webchat/…`` as a visitor's browser calls it. A page is let in by its origin, a visitor by a session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.params import FromPath, JSONBody

from application.app import Application
from application.webchat.sessions import SignedVisitor
from domain.webchat import OriginNotAllowed
from entrypoints.rest.addresses import address_of
from entrypoints.rest.bodies import must_be_understood
from entrypoints.rest.webchat.cors import bearer_of, let_page_read, origin_of

PREFLIGHT_HEADERS = {
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "600",
}


class VisitorBody(msgspec.Struct, forbid_unknown_fields=True):
    """A visitor for whom the site vouches."""

    id: str
    signature: str
    name: str | None = None


class SessionBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who is sitting there; somebody new, or whoever the bearer token names, when `visitor` is absent."""

    visitor: VisitorBody | None = None


class SessionView(msgspec.Struct):
    """A session. `token` is for Authorization: Bearer."""

    token: str
    visitor_id: str
    expires_at: datetime
    last_sequence: int


class ChatMessageBody(msgspec.Struct, forbid_unknown_fields=True):
    """What the visitor wrote; `id` is the browser's own, so that a repetition is known."""

    id: UUID
    text: str


class TakenView(msgspec.Struct):
    """The message is stored."""

    sequence: int


@post("/webchat/{phone_number_id:uuid}/sessions", status_code=201)
async def open_chat_session(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    phone_number_id: FromPath[UUID],
    data: JSONBody[SessionBody],
) -> SessionView:
    """Open a visitor's session, or renew it."""
    origin = await let_in(application, request)
    visitor = SignedVisitor(data.visitor.id, data.visitor.signature, data.visitor.name) if data.visitor else None
    opened = await application.visitor.open(
        phone_number_id, origin, address_of(request), visitor, bearer_of(request.headers)
    )
    return SessionView(opened.token, opened.session.visitor, opened.session.expires_at, opened.last_sequence)


@post("/webchat/messages", status_code=202)
async def write_in_chat(
    request: Request[Any, Any, Any], application: NamedDependency[Application], data: JSONBody[ChatMessageBody]
) -> TakenView:
    """Take in a visitor's message."""
    origin = await let_in(application, request)
    web_chat, session = await application.visitor(bearer_of(request.headers), origin)
    return TakenView(await application.write_in_chat(web_chat, session, data.id, data.text))


def create_page_check(application: Application) -> Callable[[Request[Any, Any, Any]], Awaitable[Response[None] | None]]:
    """Before each of these routes: a browser that asks what its page may do is told, anybody else must send JSON."""

    async def checked(request: Request[Any, Any, Any]) -> Response[None] | None:
        if request.method != HttpMethod.OPTIONS:
            await must_be_understood(request)
            return None
        await let_in(application, request)
        return Response(None, status_code=204, headers=PREFLIGHT_HEADERS)

    return checked


async def let_in(application: Application, connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The page's origin, when any web chat may be shown there: it may read why it is refused another one.

    Raises OriginNotAllowed.
    """
    origin = origin_of(connection)
    if origin is None or not await application.visitor.allows(origin):
        raise OriginNotAllowed("This page is not among the allowed_origins of any web chat.")
    let_page_read(connection.scope, origin)
    return origin


routes = [open_chat_session, write_in_chat]
