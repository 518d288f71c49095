"""The way in and the way out."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from application.app import Application
from domain.shared import DomainError, Unauthorized
from entrypoints.rest.addresses import address_of
from entrypoints.rest.dashboard.pages import back_to, plain_page
from entrypoints.rest.dashboard.sessions import COOKIE, fields_of, must_come_from_here, session_cookie
from entrypoints.rest.errors import status_of

KEY_UNKNOWN = "This key is not known. Copy it whole, as it was shown when it was made."


@get("/sign-in")
async def show_sign_in() -> Response[str]:
    """The form for a key."""
    return plain_page("sign_in", error=None)


@post("/sign-in")
async def sign_in(request: Request[Any, Any, Any], application: NamedDependency[Application]) -> Response[Any]:
    """Open a session for whoever has a key."""
    must_come_from_here(request)
    key = (await fields_of(request)).get("key", "").strip()
    try:
        token = await application.console.open(key, address_of(request))
    except DomainError as error:
        said = KEY_UNKNOWN if isinstance(error, Unauthorized) else str(error)
        return plain_page("sign_in", status=status_of(type(error)), error=said)
    response = back_to("/dashboard")
    response.cookies.append(session_cookie(request, token))
    return response


@post("/sign-out")
async def sign_out(request: Request[Any, Any, Any], application: NamedDependency[Application]) -> Response[Any]:
    """End the session on this browser; a form of nobody's ends nothing."""
    must_come_from_here(request)
    try:
        signed_in = await application.console(request.cookies.get(COOKIE, ""))
        application.console.must_mean_it(signed_in, (await fields_of(request)).get("seal", ""))
    except Unauthorized:
        return back_to("/dashboard/sign-in")
    response = back_to("/dashboard/sign-in")
    response.cookies.append(session_cookie(request, ""))
    return response


routes = [show_sign_in, sign_in, sign_out]
