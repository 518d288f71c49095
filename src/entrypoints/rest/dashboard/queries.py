"""What the address of a page asks for, as a browser writes it: an empty field counts for nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request

from domain.shared import InvalidInput

DAY = timedelta(days=1)


def asked(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The fields of the query that are filled in."""
    return {name: value for name, value in request.query_params.items() if value}


def id_in(word: str | None) -> UUID | None:
    """The id that a filter names. Raises InvalidInput."""
    try:
        return UUID(word) if word else None
    except ValueError as error:
        raise InvalidInput("query", "That filter names no thing of yours; choose one of the list.") from error


def day_in(word: str | None, field: str) -> datetime | None:
    """The beginning, in UTC, of the day that a filter names. Raises InvalidInput."""
    try:
        return datetime.combine(date.fromisoformat(word), datetime.min.time(), UTC) if word else None
    except ValueError as error:
        raise InvalidInput(field, "It must be a day of the form YYYY-MM-DD.") from error


def end_of_day_in(word: str | None, field: str) -> datetime | None:
    """The end of that day. Raises InvalidInput."""
    beginning = day_in(word, field)
    try:
        return beginning and beginning + DAY
    except OverflowError as error:
        raise InvalidInput(field, "No calendar has a day after that one.") from error
