"""Who is calling: the key of ``Authorization: Bearer KEY`` becomes a `Caller`."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from application.app import Application
from domain.shared import Unauthorized
from domain.users import Caller


def create_key_guard(application: Application) -> Guard:
    """A guard, because guards run before the body is read: a stranger's bytes are not parsed."""

    async def must_show_key(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        scheme, _, key = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized("Show a key: Authorization: Bearer KEY.")
        connection.scope["user"] = await application.authenticate(key.strip())

    return must_show_key


def caller_of(request: Request[Caller, Any, Any]) -> Caller:
    """The caller that the guard has found."""
    return request.user
