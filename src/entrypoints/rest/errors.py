"""One table from the families of errors to statuses, and every error as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from application.ports.channel_gateway import UnreadableWebhook
from domain.credits import Account, InsufficientCredits
from domain.shared import (
    Conflict,
    DomainError,
    Exhausted,
    Forbidden,
    InvalidInput,
    NotFound,
    TooFast,
    Unauthorized,
    Unavailable,
    storable,
)
from entrypoints.rest.request_ids import request_id_of

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"


class NotJson(InvalidInput):
    """The body cannot be read at all: a matter of syntax, where every other wrong value is one of meaning."""

    code = "not_json"


STATUSES: Mapping[type[DomainError], HTTPStatus] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Exhausted: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    InsufficientCredits: HTTPStatus.PAYMENT_REQUIRED,
    NotJson: HTTPStatus.BAD_REQUEST,
    UnreadableWebhook: HTTPStatus.BAD_REQUEST,
}

HEADERS: Mapping[int, Mapping[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"www-authenticate": 'Bearer realm="frontdesk"'},
    HTTPStatus.REQUEST_TIMEOUT: {"connection": "close"},
    HTTPStatus.TOO_MANY_REQUESTS: {"retry-after": "1"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"retry-after": "1"},
}

CODES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.NOT_FOUND: NotFound.code,
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_TIMEOUT: "request_timeout",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidInput.code,
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal",
}
"""The codes of what the framework refuses before any use case is asked."""


class Fault(msgspec.Struct):
    """One wrong value; `pointer` (RFC 6901) leads to it in the body, or names the parameter."""

    pointer: str
    code: str
    detail: str


class Problem(msgspec.Struct, omit_defaults=True):
    """What every error answer says. `code` is for programs and stable, `detail` is for people.

    The credits there are stand in the refusal of what would cost more.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[Fault] = []
    balance: int | None = None
    held: int | None = None
    available: int | None = None


def status_of(error: type[DomainError]) -> HTTPStatus:
    """The status of the nearest family."""
    return next((STATUSES[family] for family in error.__mro__ if family in STATUSES), _INTERNAL)


def pointer_to(field: str) -> str:
    """``allowed_origins.0`` or ``allowed_origins[0]`` as a JSON Pointer; no field is the whole body."""
    return field and "/" + field.replace("[", ".").replace("]", "").replace("/", "~1").replace(".", "/")


def render_domain_error(request: Request[Any, Any, Any], error: DomainError) -> Response[Problem]:
    """What a use case refused, and why."""
    faults = [Fault(pointer_to(error.field), error.code, str(error))] if isinstance(error, InvalidInput) else []
    headers = {"retry-after": str(ceil(error.after_seconds))} if isinstance(error, TooFast) else {}
    account = error.account if isinstance(error, InsufficientCredits) else None
    return _problem(request, status_of(type(error)), error.code, str(error), faults, headers, account)


def render_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """What the framework refused: no such route, no such method, a body too large, a parameter of a wrong type."""
    if isinstance(error, ValidationException):
        faults = _faults(error.extra)
        detail = "; ".join(f"{fault.pointer.removeprefix('/')}: {fault.detail}" for fault in faults)
        return _problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, InvalidInput.code, detail, faults)
    if error.status_code >= _INTERNAL:
        return render_unexpected(request, error)
    code = CODES.get(error.status_code, "refused")
    return _problem(request, HTTPStatus(error.status_code), code, error.detail, [], error.headers or {})


def render_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """A fault of ours: the log gets the trace, the caller the id to ask about."""
    log.error("request_failed", path=request.scope.get("path_template"), request_id=_id(request), exc_info=error)
    return _problem(request, _INTERNAL, CODES[_INTERNAL], "Something went wrong on our side.", [])


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    DomainError: render_domain_error,
    HTTPException: render_http_error,
    Exception: render_unexpected,
}

_INTERNAL = HTTPStatus.INTERNAL_SERVER_ERROR


def _problem(
    request: Request[Any, Any, Any],
    status: HTTPStatus,
    code: str,
    detail: str,
    faults: list[Fault],
    headers: Mapping[str, str] | None = None,
    account: Account | None = None,
) -> Response[Problem]:
    # A path may hold half a surrogate pair, which no JSON encoder takes.
    path = storable(request.scope["path"])
    problem = Problem(f"/docs#{code}", status.phrase, status, storable(detail), path, code, _id(request), faults)
    if account is not None:
        problem.balance, problem.held, problem.available = account.balance, account.held, account.available
    all_headers = {**HEADERS.get(status, {}), **(headers or {})}
    return Response(problem, status_code=status, media_type=PROBLEM_JSON, headers=all_headers)


def _faults(extra: object) -> list[Fault]:
    messages = extra if isinstance(extra, list) else []
    return [Fault(pointer_to(one.get("key", "")), InvalidInput.code, one["message"]) for one in messages]


def _id(request: Request[Any, Any, Any]) -> str:
    return request_id_of(request.scope)
