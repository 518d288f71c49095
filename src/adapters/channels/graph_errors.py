"""What Graph's error codes mean for a send that they refuse. Source: Meta's error reference, and what others saw.

Decided by code, never by HTTP status or message: the same code was seen under several statuses, and messages
are localised. A code that is not here is refused for good on 4xx (unless Meta marks it transient), and leaves the
outcome unknown on 5xx.
"""

from __future__ import annotations

from typing import Any

from domain.delivery import Ambiguous, Deferred, Refused

AMBIGUOUS_CODES = frozenset({1, 2, 131000, 131016, 131057})
"""Meta may have sent the message and says that it does not know."""

DEFERRED_CODES = frozenset({4, 17, 32, 613, 80007, 130429, 131056})
"""Too fast, for the number or for this customer: not sent, and welcome later."""

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500


def outcome_of_error(
    http_status: int, error: dict[str, Any], retry_after_seconds: float | None
) -> Refused | Deferred | Ambiguous:
    """What an error answer means. `error` is Graph's error object, or what stands for it when there is none."""
    kept = _kept(http_status, error)
    code = kept["code"]
    if code in AMBIGUOUS_CODES:
        return Ambiguous(kept)
    if code in DEFERRED_CODES or (code is None and http_status == TOO_MANY_REQUESTS):
        return Deferred(kept, retry_after_seconds)
    if http_status >= SERVER_ERROR:
        return Ambiguous(kept)
    if error.get("is_transient") is True:
        return Deferred(kept, retry_after_seconds)
    return Refused(kept)


def _kept(http_status: int, error: dict[str, Any]) -> dict[str, Any]:
    """What is kept of an error: numbers and titles, not Meta's free text, which can quote the customer's number."""
    return {
        "http_status": http_status,
        "code": _number(error.get("code")),
        "subcode": _number(error.get("error_subcode")),
        "type": error.get("type"),
        "trace_id": error.get("fbtrace_id"),
    }


def _number(code: object) -> int | None:
    """A code as a number: Graph sometimes writes it as text."""
    try:
        return int(code)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return None
