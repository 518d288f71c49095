"""Who is calling: the key of ``Authorization: Bearer KEY`` becomes a `Caller`."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from application.admission import CallsTooFast
from application.app import Application
from domain.shared import Unauthorized
from domain.users import Caller
from entrypoints.rest.addresses import address_of
from entrypoints.rest.rate_limits import tell_limits_of


def create_key_guard(application: Application) -> Guard:
    """A guard, because guards run before the body is read: a stranger's bytes are not parsed."""

    async def must_show_key(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        scheme, _, key = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized("Show a key: Authorization: Bearer KEY.")
        try:
            admission = await application.admit_call(key.strip(), address_of(connection))
        except CallsTooFast as refused:
            if refused.admission:
                tell_limits_of(connection.scope, refused.admission)
            raise
        tell_limits_of(connection.scope, admission)
        connection.scope["user"] = admission.caller
        await _must_exist(connection, admission.caller)

    async def _must_exist(connection: ASGIConnection[Any, Any, Any, Any], caller: Caller) -> None:
        # A user's key is gone with its user. The administrator's is not, and a list of nobody's would just be empty.
        user_id = connection.path_params.get("user_id")
        if caller.is_admin and user_id is not None:
            await application.users.get(caller, user_id)

    return must_show_key


def caller_of(request: Request[Caller, Any, Any]) -> Caller:
    """The caller that the guard has found."""
    return request.user
