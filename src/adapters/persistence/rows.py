"""Small words for rows: run a statement on a connection, and insist that there was one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from domain.shared import NotFound


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
