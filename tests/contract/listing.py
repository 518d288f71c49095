"""Reading a list to its end, as a client would."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from application.pages import Page, PageRequest

T = TypeVar("T")


async def all_pages(
    read: Callable[[PageRequest], Awaitable[Page[T]]], limit: int = 50, *, newest_first: bool = False
) -> list[T]:
    """Everything in the list, page after page. No page is longer than it may be, and none but the last shorter."""
    items: list[T] = []
    cursor: str | None = None
    while True:
        page = await read(PageRequest(limit, cursor, newest_first))
        items.extend(page.items)
        cursor = page.next_cursor
        if cursor is None:
            assert len(page.items) <= limit
            return items
        assert len(page.items) == limit
