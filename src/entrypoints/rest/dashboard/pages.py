"""Rendering: every page with the same frame and the same headers; what a page fetches to stay live without a frame."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable
from typing import Any, TypeVar
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.response import Redirect

from application.app import Application
from application.console import SignedIn
from domain.shared import NotFound
from domain.users import User
from entrypoints.rest.dashboard import words
from entrypoints.rest.dashboard.charts import chart
from entrypoints.rest.dashboard.sessions import may_manage, may_write, session_cookie
from entrypoints.rest.dashboard.static import STATIC

T = TypeVar("T")

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",  # without any, forms would not say where they come from
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "vary": "x-live",
}
LIVE = "x-live"
"""Sent by our script when it wants a page's live parts anew: they come without the frame, or as 304."""

_templates = Environment(
    loader=PackageLoader("entrypoints.rest.dashboard"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= words.FILTERS
_templates.globals |= {"chart": chart, "static": STATIC}


class Desk:
    """What every page of somebody who is signed in needs: who they are, and whose things they look at."""

    def __init__(
        self, request: Request[Any, Any, Any], application: Application, signed_in: SignedIn, user: User | None
    ) -> None:
        self.request = request
        self.application = application
        self.signed_in = signed_in
        self.caller = signed_in.caller
        self.user = user

    @classmethod
    async def of(
        cls, request: Request[Any, Any, Any], application: Application, signed_in: SignedIn, user_id: UUID | None
    ) -> Desk:
        """The desk of that user, of the house when there is none. Raises NotFound."""
        user = None if user_id is None else await application.users.get(signed_in.caller, user_id)
        return cls(request, application, signed_in, user)

    @property
    def user_id(self) -> UUID:
        """Whose things are looked at. Raises NotFound on the pages of the house."""
        if self.user is None:
            raise NotFound("user")
        return self.user.id

    def page(self, name: str, *, status: int = 200, **context: Any) -> Response[str]:  # noqa: ANN401
        """The page `name`, or its live parts."""
        is_live = LIVE in self.request.headers
        content = _rendered(name, layout="bare.html" if is_live else "page.html", **self._about(), **context)
        if is_live:
            return _live(self.request, content)
        token = self.application.console.renewed(self.signed_in)
        return _html(content, status, cookies=[session_cookie(self.request, token)])

    def _about(self) -> dict[str, Any]:
        user_id = self.user.id if self.user else None
        return {
            "is_admin": self.caller.is_admin,
            "user": self.user,
            "home": f"/dashboard/users/{user_id}" if user_id else "/dashboard",
            "path": self.request.url.path,
            "seal": self.signed_in.seal,
            "may_write": may_write(self.caller, user_id),
            "may_manage": may_manage(self.caller, user_id),
            "has_simulation": bool(self.request.route_handler.opt.get("has_simulation")),
            "done": words.DONE.get(self.request.query_params.get("done", "")),
        }


def plain_page(name: str, status: int = 200, headers: dict[str, str] | None = None, **context: Any) -> Response[str]:  # noqa: ANN401
    """A page for somebody who is not signed in."""
    return _html(_rendered(name, **context), status, headers)


def back_to(path: str, done: str | None = None, fragment: str = "") -> Redirect:
    """After something was done: the page that shows it, so that a reload does not do it again."""
    query = f"?done={done}" if done else ""
    return Redirect(f"{path}{query}{fragment}", status_code=303, headers=HEADERS)


async def or_none(something: Awaitable[T]) -> T | None:
    """What is looked up, None when it is gone."""
    try:
        return await something
    except NotFound:
        return None


def _rendered(name: str, **context: Any) -> str:  # noqa: ANN401
    return _templates.get_template(f"{name}.html").render(**context)


def _html(
    content: str,
    status: int,
    headers: dict[str, str] | None = None,
    cookies: Any = None,  # noqa: ANN401
) -> Response[str]:
    return Response(
        content,
        status_code=status,
        media_type=MediaType.HTML,
        headers={**HEADERS, **(headers or {})},
        cookies=cookies,
    )


def _live(request: Request[Any, Any, Any], content: str) -> Response[str]:
    etag = f'"{hashlib.blake2b(content.encode(), digest_size=12).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        return Response("", status_code=304, media_type=MediaType.HTML, headers={**HEADERS, "etag": etag})
    return _html(content, 200, {"etag": etag})
