"""What a page's filters say. They stand in addresses, so that anything may be written there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.shared import InvalidInput


def id_in(word: str | None) -> UUID | None:
    """The id that was chosen of a list, if any. Raises InvalidInput."""
    try:
        return UUID(word) if word else None
    except ValueError as error:
        raise InvalidInput("query", "That filter names no thing of yours; choose one of the list.") from error


def day_in(word: str | None, *, after: int = 0) -> datetime | None:
    """The beginning (UTC) of the day that was written, if any, or of one so many days later. Raises InvalidInput."""
    try:
        return datetime.strptime(word, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=after) if word else None
    except (ValueError, OverflowError) as error:
        raise InvalidInput("query", "A day is written as year, month and day: 2026-01-31.") from error
