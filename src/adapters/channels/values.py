"""Values of any JSON kind, read for what they should be: whatever stands there, none of these raises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from domain.shared import storable

ID_LENGTH_MAX = 200
"""Longer than any id or address of Meta's; what is longer fits no index."""
DEPTH_MAX = 16
"""Deeper than anything Meta documents; what lies deeper is left out."""
INTEGER_BITS_MAX = 63
MILLISECONDS_FROM = 10**11
"""A time from this number on is told in milliseconds: in seconds it would be the year 5138."""
YEAR_2100_SECONDS = 4_102_444_800
BEGINNING = datetime.fromtimestamp(0, UTC)


def mapping(value: object) -> dict[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """The text in storable form; None when there is none or it is empty."""
    return storable(value) if isinstance(value, str) and value else None


def identifier(value: object) -> str | None:
    """An id, told as a text or a number, in storable form; None for what cannot be one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return storable(value) if isinstance(value, str) and 1 <= len(value) <= ID_LENGTH_MAX else None


def kept(value: object, depth: int = 0) -> object:
    """The value as every store can hold it: texts mended, integers of 64 bits, at most 16 levels."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int) and value.bit_length() > INTEGER_BITS_MAX:
        return str(value)
    if not isinstance(value, dict | list):
        return value
    if depth == DEPTH_MAX:
        return None
    if isinstance(value, list):
        return [kept(item, depth + 1) for item in value]
    return {storable(key): kept(item, depth + 1) for key, item in value.items()}


def present(**values: object) -> dict[str, Any]:
    """What is there: the values that are neither None nor an empty object."""
    return {key: value for key, value in values.items() if value is not None and value != {}}


def moment(*timestamps: object) -> datetime:
    """The first of `timestamps` that is one; 1970 when none is.

    Meta tells whole seconds since 1970 or milliseconds, as a text or a number.
    """
    for timestamp in timestamps:
        seconds = _seconds(timestamp)
        if seconds is not None and 0 < seconds < YEAR_2100_SECONDS:
            return datetime.fromtimestamp(seconds, UTC)
    return BEGINNING


def _seconds(timestamp: object) -> float | None:
    if not isinstance(timestamp, str | int | float):
        return None
    try:
        number = int(timestamp)
    except ValueError:
        return None
    return number / 1000 if MILLISECONDS_FROM <= number < MILLISECONDS_FROM**2 else number
