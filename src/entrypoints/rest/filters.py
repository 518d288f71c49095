"""What the query of a list must be beyond its type, so that no store chokes on it."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.shared import InvalidInput, checked_text

CUSTOMER_LENGTH_MAX = 200


def checked_customer(customer: str | None) -> str | None:
    """An id or an address of a customer. Raises InvalidInput."""
    return None if customer is None else checked_text(customer, "customer", CUSTOMER_LENGTH_MAX)


def checked_time(time: datetime | None, field: str) -> datetime | None:
    """A time that says its zone, in UTC; without one it would mean another moment on every machine.

    Raises InvalidInput.
    """
    if time is None:
        return None
    if time.tzinfo is None:
        raise InvalidInput(field, "It must name its time zone (in a URL, + is written %2B).")
    try:
        return time.astimezone(UTC)  # Postgres takes no zone that is more than 16 hours away
    except OverflowError:
        raise InvalidInput(field, "It lies outside of the years 1 to 9999.") from None
