"""What an error answer of Graph's means for a send.

Decided by code and subcode, never by HTTP status or message: the same code was seen under several statuses, and
messages are localised. A code that is not in the table is deferred when Meta marks it transient, refused on 4xx with
word to whoever can mend it, and leaves the outcome unknown on 5xx.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.channels.graph_error_table import Handling, Row, row_of
from domain.channels import ChannelStatus
from domain.delivery import Ambiguous, Deferred, Pace, Parked, Refused

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
TEXT_LENGTH_MAX = 200
UNKNOWN = "unknown"
USAGE = "X-Business-Use-Case-Usage"
SECONDS_IN_A_MINUTE = 60.0

ErrorOutcome = Refused | Deferred | Ambiguous | Parked


class _Failed(msgspec.Struct):
    error: dict[str, Any]


class _Usage(msgspec.Struct):
    estimated_time_to_regain_access: float = 0.0


def error_in(body: bytes) -> dict[str, Any] | None:
    """Graph's error object; None when the body holds none, or is none of Graph's."""
    try:
        return msgspec.json.decode(body, type=_Failed).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def row_of_error(error: Mapping[str, Any]) -> Row | None:
    """The table's row for an error object."""
    return row_of(_number(error.get("code")), _number(error.get("error_subcode")))


def asked_seconds(headers: Mapping[str, str]) -> float | None:
    """How long Graph asks to wait: Retry-After, or when a business has its calls back (Meta tells that in minutes)."""
    longest = max(_retry_after_seconds(headers), _usage_seconds(headers))
    return longest or None


def outcome_of_error(http_status: int, error: Mapping[str, Any], after_seconds: float | None) -> ErrorOutcome:
    """What an error answer means. `error` is Graph's error object, empty when there is none."""
    row = row_of_error(error)
    kept = _kept(http_status, error, row)
    if row is not None:
        return _outcome(row, kept, after_seconds)
    if http_status == TOO_MANY_REQUESTS:
        return Deferred(kept, after_seconds, pace=Pace.NUMBER)
    if http_status >= SERVER_ERROR:
        return Ambiguous(kept)
    if error.get("is_transient") is True:
        return Deferred(kept, after_seconds)
    return Refused(kept, is_our_fault=True)


def _outcome(row: Row, kept: dict[str, Any], after_seconds: float | None) -> ErrorOutcome:
    match row.handling:
        case Handling.REAUTHORIZE:
            return Parked(kept, ChannelStatus.UNAUTHORIZED)
        case Handling.PARK:
            return Parked(kept, ChannelStatus.PARKED)
        case Handling.SLOW_NUMBER:
            return Deferred(kept, after_seconds or row.seconds, pace=Pace.NUMBER, is_our_fault=row.is_setup)
        case Handling.SLOW_CUSTOMER:
            return Deferred(kept, after_seconds, pace=Pace.CUSTOMER)
        case Handling.AMBIGUOUS:
            return Ambiguous(kept, row.seconds)
        case Handling.WINDOW | Handling.FINAL | Handling.OUR_FAULT:
            is_our_fault = row.handling is Handling.OUR_FAULT
            return Refused(kept, is_window=row.handling is Handling.WINDOW, is_our_fault=is_our_fault)


def _kept(http_status: int, error: Mapping[str, Any], row: Row | None) -> dict[str, Any]:
    """What is kept of an error: numbers and names, not Meta's free text, which can quote the customer's number."""
    return {
        "class": UNKNOWN if row is None else row.name,
        "http_status": http_status,
        "code": _number(error.get("code")),
        "subcode": _number(error.get("error_subcode")),
        "type": _name(error.get("type")),
        "trace_id": _name(error.get("fbtrace_id")),
    }


def _name(value: object) -> str | None:
    return value[:TEXT_LENGTH_MAX] if isinstance(value, str) else None


def _number(code: object) -> int | None:
    """A code as a number: Graph sometimes writes it as text."""
    if isinstance(code, bool) or not isinstance(code, int | float | str):
        return None
    try:
        return int(code)
    except (ValueError, OverflowError):
        return None


def _retry_after_seconds(headers: Mapping[str, str]) -> float:
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < float("inf") else 0.0


def _usage_seconds(headers: Mapping[str, str]) -> float:
    try:
        usages = msgspec.json.decode(headers.get(USAGE, "{}"), type=dict[str, list[_Usage]])
    except (msgspec.DecodeError, RecursionError):
        return 0.0
    minutes = [usage.estimated_time_to_regain_access for of_business in usages.values() for usage in of_business]
    return max(0.0, *minutes, 0.0) * SECONDS_IN_A_MINUTE
