"""What could not be done, as a page that says what to do now."""

from __future__ import annotations

from http import HTTPStatus
from math import ceil
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap

from domain.shared import DomainError, TooFast, Unauthorized
from entrypoints.rest.dashboard.pages import LIVE, back_to, plain_page
from entrypoints.rest.errors import render_unexpected, status_of

TITLES = {
    HTTPStatus.NOT_FOUND: "Nothing here",
    HTTPStatus.FORBIDDEN: "Not allowed",
    HTTPStatus.CONFLICT: "Not possible now",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Something is wrong with what was entered",
    HTTPStatus.TOO_MANY_REQUESTS: "Too fast",
    HTTPStatus.SERVICE_UNAVAILABLE: "Out of reach",
}
SIGN_IN = "/dashboard/sign-in"


def show_domain_error(request: Request[Any, Any, Any], error: DomainError) -> Response[Any] | Redirect:
    """What a use case refused; whoever is not signed in is led to where they can."""
    status = status_of(type(error))
    if isinstance(error, Unauthorized) and LIVE not in request.headers:
        return back_to(SIGN_IN)
    headers = {"retry-after": str(ceil(error.after_seconds))} if isinstance(error, TooFast) else {}
    return _page(status, str(error), headers)


def show_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What the framework refused."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return show_unexpected(request, error)
    return _page(HTTPStatus(error.status_code), error.detail)


def show_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A bug of ours: logged as everywhere, and said without a detail."""
    render_unexpected(request, error)
    return _page(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side. It has been logged.")


def _page(status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> Response[str]:
    title = TITLES.get(status, status.phrase)
    return plain_page("error", status=status, headers=headers, title=title, detail=detail)


PAGE_EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    DomainError: show_domain_error,
    HTTPException: show_http_error,
    Exception: show_unexpected,
}
