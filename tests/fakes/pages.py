"""Pages of plain lists."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from application.pages import Page, PageRequest
from domain.shared import InvalidInput

T = TypeVar("T")


class Created(Protocol):
    """Whatever is listed by when it came."""

    @property
    def id(self) -> UUID | str: ...
    @property
    def created_at(self) -> datetime: ...


C = TypeVar("C", bound=Created)


def page_of(items: Iterable[C], request: PageRequest) -> Page[C]:
    """The page that was asked for, of a list in the order in which its items came."""
    return page_in_order(items, request, lambda item: [item.created_at.timestamp(), str(item.id)])


def page_in_order(items: Iterable[T], request: PageRequest, place: Callable[[T], list[Any]]) -> Page[T]:
    """The page that was asked for. Raises InvalidInput for a cursor that came from nowhere.

    `place` is what the list is sorted by, as JSON can carry it.
    """
    ordered = sorted(items, key=place, reverse=request.newest_first)
    if request.cursor is not None:
        start = _place_in(request.cursor)
        ordered = [item for item in ordered if (place(item) < start if request.newest_first else place(item) > start)]
    shown = ordered[: request.limit]
    return Page(shown, _cursor_at(place(shown[-1])) if len(shown) < len(ordered) else None)


def _cursor_at(place: list[Any]) -> str:
    return urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place_in(cursor: str) -> list[Any]:
    try:
        place = json.loads(urlsafe_b64decode(cursor.encode()))
    except ValueError:
        place = None
    if not isinstance(place, list):
        raise InvalidInput("cursor", "It must be a next_cursor of this list.")
    return place
