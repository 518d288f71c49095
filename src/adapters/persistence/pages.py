"""Pages cut by where the last one ended, not by counting: a deep page costs what the first one costs.

In every statement here the listed table is called `item`.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString, Protocol, TypeVar
from uuid import UUID

from psycopg import sql
from psycopg.rows import TupleRow

from adapters.persistence.database import Scope
from application.pages import Page, PageRequest
from domain.shared import InvalidInput, storable

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BIGINT_MAX = 2**63 - 1

SELECT = sql.SQL("{listed} where {conditions} order by {columns} limit %s")
MERGED = sql.SQL(
    "select item.* from unnest(%s::text[]) part (word) cross join lateral ({page}) item order by {columns} limit %s"
)
BEHIND = {False: sql.SQL("({}) > ({})"), True: sql.SQL("({}) < ({})")}
DIRECTION = {False: sql.SQL("{}"), True: sql.SQL("{} desc")}


class Created(Protocol):
    """What most lists hold: things that came at a time."""

    @property
    def id(self) -> UUID | str:
        """Decides between two that came at once."""

    @property
    def created_at(self) -> datetime:
        """When it came."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is sorted by: its columns, an item's place as words, and those words as values again.

    `read` raises ValueError or OverflowError for words that `written` never wrote.
    """

    columns: tuple[LiteralString, ...]
    written: Callable[[Any], str]
    read: Callable[[str], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a list, each told by `part.word` in the condition: a page is cut of each, and then of these.

    For what would be looked for among much else, while an index holds each part by itself in order.
    """

    condition: LiteralString
    words: Sequence[str]


def _written_creation(item: Created) -> str:
    return f"{(item.created_at - EPOCH) // MICROSECOND} {item.id}"


def _read_named_creation(words: str) -> tuple[datetime, str]:
    microseconds, name = words.split(" ")
    return EPOCH + int(microseconds) * MICROSECOND, storable(name)


def _read_creation(words: str) -> tuple[datetime, UUID]:
    created_at, name = _read_named_creation(words)
    return created_at, UUID(name)


def read_number(words: str) -> tuple[int]:
    """A place that is a number. Raises ValueError or OverflowError for what is none."""
    number = int(words)
    if not 0 <= number <= BIGINT_MAX:
        raise OverflowError
    return (number,)


BY_CREATION = Order(("item.created_at", "item.id"), _written_creation, _read_creation)
BY_NAMED_CREATION = Order(BY_CREATION.columns, _written_creation, _read_named_creation)
"""As above, for things whose id is a text."""
BY_NUMBER = Order(("item.id",), lambda item: str(item.id), read_number)


async def fetch_page(
    scope: Scope,
    listed: LiteralString,
    conditions: Mapping[LiteralString, Any],
    page: PageRequest,
    shaped: Callable[[TupleRow], T],
    order: Order = BY_CREATION,
    parts: Parts | None = None,
) -> Page[T]:
    """The page of what `listed` selects, or of some parts of it. A condition whose value is None does not count.

    Raises InvalidInput for a cursor that is none of this list's, and as Scope.fetch does.
    """
    wanted = {condition: _kept(value) for condition, value in conditions.items() if value is not None}
    place = () if page.cursor is None else place_in(page.cursor, order)
    values: tuple[Any, ...] = (*wanted.values(), *place, page.limit + 1)
    if parts is None:
        statement = _statement(listed, list(wanted), page, order)
    else:
        statement = _merged(_statement(listed, [*wanted, parts.condition], page, order), page, order)
        values = (parts.words, *values, page.limit + 1)
    rows = await scope.fetch(statement, values)
    items = [shaped(row) for row in rows[: page.limit]]
    return Page(items, cursor_at(items[-1], order) if len(rows) > page.limit else None)


def _statement(
    listed: LiteralString, conditions: Sequence[LiteralString], page: PageRequest, order: Order
) -> sql.Composed:
    where: list[sql.Composable] = [sql.SQL(condition) for condition in conditions]
    columns = [sql.SQL(column) for column in order.columns]
    if page.cursor is not None:
        places = sql.SQL(", ").join(sql.Placeholder() * len(columns))
        where.append(BEHIND[page.newest_first].format(sql.SQL(", ").join(columns), places))
    return SELECT.format(
        listed=sql.SQL(listed),
        conditions=sql.SQL(" and ").join(where or [sql.SQL("true")]),
        columns=_sorted(columns, page),
    )


def _merged(of_a_part: sql.Composed, page: PageRequest, order: Order) -> sql.Composed:
    return MERGED.format(page=of_a_part, columns=_sorted([sql.SQL(column) for column in order.columns], page))


def _sorted(columns: Sequence[sql.SQL], page: PageRequest) -> sql.Composed:
    return sql.SQL(", ").join(DIRECTION[page.newest_first].format(column) for column in columns)


def _kept(value: object) -> object:
    """What Postgres refuses to be asked for, nothing has: ask for what is as rare and can be asked."""
    return storable(value) if isinstance(value, str) else value


def cursor_at(item: object, order: Order) -> str:
    """The cursor of what follows that item."""
    return urlsafe_b64encode(order.written(item).encode()).decode().rstrip("=")


def place_in(cursor: str, order: Order) -> tuple[Any, ...]:
    """The place that a cursor names. Raises InvalidInput for one that is none of this list's."""
    try:
        place = order.read(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode())
    except (ValueError, OverflowError) as error:
        raise InvalidInput("cursor", "It must be a next_cursor of this list.") from error
    return place
