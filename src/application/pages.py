"""Pages of a list: what is asked for, and what comes back. One form for all lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

PAGE_SIZE_MAX = 200
PAGE_SIZE_DEFAULT = 50


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Up to `limit` items behind `cursor` (from a page before), oldest first unless `newest_first`."""

    limit: int = PAGE_SIZE_DEFAULT
    cursor: str | None = None
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The items, and the cursor of what follows; None at the end."""

    items: Sequence[T]
    next_cursor: str | None
