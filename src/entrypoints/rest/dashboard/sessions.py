"""The cookie of a session, and what is asked of everything that is sent with it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from application.app import Application
from application.console import SESSION_MINUTES, SignedIn
from application.ports.answers import AnsweredBefore, Once
from domain.shared import DomainError, Forbidden, InvalidInput
from domain.users import Caller

COOKIE = "frontdesk_console"
FORM = "application/x-www-form-urlencoded"
FIELDS_MAX = 50
READING = frozenset({"GET", "HEAD"})
SEAL = "seal"
KEY = "key"
"""The field that makes a form one request, however often it is sent."""

Form = Mapping[str, str]


def create_session_guard(application: Application) -> Guard:
    """A guard, as for keys: a stranger's bytes are not parsed."""

    async def must_be_signed_in(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        if connection.scope.get("method") not in READING:
            must_come_from_here(connection)
        connection.scope["user"] = await application.console(connection.cookies.get(COOKIE, ""))

    return must_be_signed_in


def must_come_from_here(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Raise Forbidden when a browser tells that a page of another origin sends this.

    Browsers of today say so themselves; with older ones the origin must be ours, by the name they know us by.
    """
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    is_elsewhere = origin is not None and urlsplit(origin).netloc != connection.headers.get("host")
    if site not in {None, "same-origin"} or (site is None and is_elsewhere):
        raise Forbidden("Another site sent this form; nothing was changed.")


def signed_in_of(request: Request[SignedIn, Any, Any]) -> SignedIn:
    """Whom the guard has found."""
    return request.user


async def form_of(request: Request[SignedIn, Any, Any], application: NamedDependency[Application]) -> Form:
    """The fields of the form, which must be of this very session. Raises Forbidden."""
    fields = await fields_of(request)
    application.console.must_mean_it(request.user, fields.get(SEAL, ""))
    return fields


async def fields_of(request: Request[Any, Any, Any]) -> Form:
    """The fields of a form as a browser sends it. Raises ClientException (415) or InvalidInput."""
    if request.content_type[0].lower() != FORM:
        raise ClientException(f"The body must be {FORM}.", status_code=415)
    try:
        body = (await request.body()).decode()
        return dict(parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body), max_num_fields=FIELDS_MAX))
    except ValueError as error:
        raise InvalidInput("", "The form cannot be read.") from error


async def act_once(
    application: Application,
    request: Request[SignedIn, Any, Any],
    form: Form,
    act: Callable[[Once[Any] | None], Awaitable[object]],
) -> None:
    """Do what a form asks for; sent again, the same form does nothing, and all is as it was after the first time."""
    fields = {name: value for name, value in form.items() if name not in {SEAL, KEY}}
    asked = json.dumps(["console", request.url.path, fields], sort_keys=True).encode()
    with suppress(AnsweredBefore):
        await act(application.once(request.user.caller, form.get(KEY) or None, asked, lambda _: b""))


def may_write(caller: Caller, user_id: UUID | None) -> bool:
    """Whether the caller may change that user's things: without it there are no buttons."""
    return user_id is not None and _is_allowed(lambda: caller.must_write(user_id))


def may_manage(caller: Caller, user_id: UUID | None) -> bool:
    """Whether the caller may add credits."""
    return user_id is not None and _is_allowed(lambda: caller.must_manage(user_id))


def session_cookie(request: Request[Any, Any, Any], token: str) -> Cookie:
    """The cookie for that token; an empty token takes it away."""
    return Cookie(
        key=COOKIE,
        value=token,
        path="/dashboard",
        max_age=int(SESSION_MINUTES * 60) if token else 0,
        httponly=True,
        samesite="strict",
        secure=is_https(request),
    )


def is_https(request: Request[Any, Any, Any]) -> bool:
    """Whether the browser speaks TLS, with us or with the proxy before us: saying so wrongly harms only the sayer."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").lower() == "https"


def _is_allowed(asked: Any) -> bool:  # noqa: ANN401 - a call that raises
    try:
        asked()
    except DomainError:
        return False
    return True
