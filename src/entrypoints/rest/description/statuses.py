"""Which answers an operation may give, what they mean, and the headers they bear."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from entrypoints.rest.errors import CODES

Document = dict[str, Any]

STATUSES_OF_ALL = (500, 503)
KEY_STATUSES = (401, 403, 429)
BODY_STATUSES = (400, 408, 413, 415, 422)
IDEMPOTENCY = "Idempotency-Key"

OF_ONE: dict[tuple[str, str], tuple[int, ...]] = {
    ("post", "/users/{user_id}/messages/{message_id}/retry"): (402, 409),
    ("post", "/users/{user_id}/conversations/{conversation_id}/messages"): (409,),
    ("post", "/users/{user_id}/conversations/{conversation_id}/extract"): (402, 409),
    ("post", "/users/{user_id}/agents/{agent_id}/extract"): (402,),
    ("post", "/users/{user_id}/phone_numbers"): (409,),
    ("patch", "/users/{user_id}/phone_numbers/{phone_number_id}"): (409,),
    ("post", "/users/{user_id}/agents"): (409,),
    ("patch", "/users/{user_id}/agents/{agent_id}"): (409,),
    ("post", "/webchat/{phone_number_id}/sessions"): (401, 403, 404, 429),
    ("post", "/webchat/messages"): (401, 403, 404, 429),
    ("get", "/webchat/events"): (401, 403, 404, 422, 429),
    ("get", "/users/{user_id}/conversations/{conversation_id}/events"): (429,),
    ("get", "/metrics"): (401,),
    ("get", "/webhooks/meta"): (403,),
    ("post", "/webhooks/meta"): (400, 401, 403, 408, 413),
}
"""What only that operation refuses: the state of the thing, its owner's credits, or whoever has no key."""

HEALTH = "/health"


def statuses_of(operation: Document, path: str, method: str) -> Iterator[int]:
    """The statuses of all errors that may come."""
    yield from (500,) if path.startswith(HEALTH) else STATUSES_OF_ALL
    yield from OF_ONE.get((method, path), ())
    if path.startswith("/webhooks"):
        return
    parameters = operation.get("parameters", [])
    if "security" in operation:
        yield from KEY_STATUSES
        yield from (404,) if any(one["in"] == "path" for one in parameters) else ()
    yield 422  # a parameter that nobody knows
    yield from BODY_STATUSES if "requestBody" in operation else ()
    yield from (409,) if any(one["name"] == IDEMPOTENCY for one in parameters) else ()


_CODES = {
    400: "not_json",
    401: "unauthorized",
    402: "insufficient_credits",
    403: "forbidden",
    409: "conflict",
    429: "rate_limited",
    503: "unavailable",
}

DONE = {200: "Done.", 201: "Made.", 202: "Taken in; it goes on by itself.", 204: "Done; there is nothing to tell."}

MEANINGS = {
    400: "The body is not JSON.",
    401: "No key was shown, or one that nobody was given.",
    402: "The user has no credit left.",
    403: "The key may not do this.",
    404: "There is no such thing, or it is another user's.",
    408: "The body did not arrive in time.",
    409: "The thing is in a state that does not allow this.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "A field or a parameter is wrong or unknown; `errors` names it.",
    429: "Too many calls; `Retry-After` tells when to come again.",
    500: "Something went wrong on our side.",
    503: "A store cannot be reached; trying again may help.",
}


def code_of(status: int) -> str:
    """The code that comes with that status most of the time."""
    return _CODES.get(status) or CODES.get(HTTPStatus(status), "refused")


def _header(description: str, example: str, type_: str = "string") -> Document:
    return {"description": description, "schema": {"type": type_}, "example": example}


_REQUEST_ID = {"X-Request-Id": _header("The request's own id, or one we gave it.", "8f14e45fceea167a5a36")}
_LIMITS = {
    "RateLimit-Policy": _header("The key's quota and its window in seconds.", '"key";q=6000;w=60'),
    "RateLimit": _header("Calls left, and seconds until all are there again.", '"key";r=5999;t=1'),
}
_RETRY = {"Retry-After": _header("Seconds to wait.", "1")}
_CHALLENGE = {"WWW-Authenticate": _header("The scheme of keys.", 'Bearer realm="frontdesk"')}


def headers_of(status: int, *, is_keyed: bool) -> Document:
    """The headers of that answer. The administrator's key has no limit, and is told of none."""
    return {
        **_REQUEST_ID,
        **(_LIMITS if is_keyed and status != HTTPStatus.UNAUTHORIZED else {}),
        **(_RETRY if status in {429, 503} else {}),
        **(_CHALLENGE if status == HTTPStatus.UNAUTHORIZED else {}),
    }
