"""What the description cannot tell the fuzzer."""

from __future__ import annotations

import re
import uuid

import schemathesis
from schemathesis.specs.openapi.checks import ensure_resource_availability

VISIBLE_KEY, ROOM = r"[!-~]{1,255}", 223
"""What the description calls a key, and how much of one stands before what makes it unlike all others."""
NOT_ALL_HAVE_IT = {
    "POST /users/{user_id}/agents": "it names a prompt and a phone number, which may not exist",
    "GET /users/{user_id}/phone_numbers/{phone_number_id}/webchat": "not every phone number is a web chat",
    "POST /users/{user_id}/phone_numbers/{phone_number_id}/webchat/rotate": "as above",
}


@schemathesis.hook
def filter_body(context, body) -> bool:
    """JSON Schema takes 5.0 for a whole number; this door does not."""
    return not _has_whole_float(body)


@schemathesis.hook
def before_call(context, case, kwargs) -> None:
    """A key that was used for another request is refused: each case gets its own."""
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch(VISIBLE_KEY, key):
        case.headers["Idempotency-Key"] = key[:ROOM] + uuid.uuid4().hex


@schemathesis.check
def what_was_made_is_there(ctx, response, case) -> bool | None:
    """The fuzzer's own check of this, but for what need not be there."""
    if case.operation.label in NOT_ALL_HAVE_IT:
        return None
    return ensure_resource_availability(ctx, response, case)


def _has_whole_float(value) -> bool:
    if isinstance(value, dict):
        return any(_has_whole_float(one) for one in value.values())
    if isinstance(value, list):
        return any(_has_whole_float(one) for one in value)
    return isinstance(value, float) and value.is_integer()
