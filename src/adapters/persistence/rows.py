"""Small words for rows: run a statement on a connection, and insist that there was one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from domain.shared import NotFound, storable


async def fetched(
    connection: AsyncConnection[TupleRow], statement: LiteralString, parameters: Sequence[Any] | Mapping[str, Any]
) -> list[TupleRow]:
    """All rows of one statement, inside whatever transaction the connection is in."""
    return await (await connection.execute(statement, parameters)).fetchall()


def found(rows: Sequence[TupleRow], thing: str) -> TupleRow:
    """The one row. Raises NotFound, in the name of `thing`, when there is none."""
    if not rows:
        raise NotFound(thing)
    return rows[0]


def storable_json(value: Mapping[str, Any] | None) -> Jsonb | None:
    """What others tell of an error, as jsonb takes it: their U+0000 would be refused with everything beside it."""
    return None if value is None else Jsonb(_storable(value))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return value
