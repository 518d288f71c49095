"""Lists: how much of them is asked for, and in what form they are answered."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from litestar.params import QueryParameter

from application.pages import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, Page, PageRequest
from domain.shared import checked_text
from entrypoints.rest.bodies import view

T = TypeVar("T")

CURSOR_LENGTH_MAX = 1_000

Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX, description="How many items at most.")]
Cursor = Annotated[str | None, QueryParameter(description="The `next_cursor` of the page before.")]
Sort = Annotated[Literal["created_at", "-created_at"], QueryParameter(description="A minus means newest first.")]


class Listing(msgspec.Struct, Generic[T]):
    """A page of a list; `next_cursor` is null at the end."""

    items: list[T]
    next_cursor: str | None


def page_request(limit: Limit = PAGE_SIZE_DEFAULT, cursor: Cursor = None, sort: Sort = "created_at") -> PageRequest:
    """The page that the query asks for. Raises InvalidInput."""
    cursor = None if cursor is None else checked_text(cursor, "cursor", CURSOR_LENGTH_MAX)
    return PageRequest(limit, cursor, newest_first=sort.startswith("-"))


def listing(type_: type[T], page: Page[Any]) -> Listing[T]:
    """The page with each item in the contract's words."""
    return Listing([view(type_, item) for item in page.items], page.next_cursor)
