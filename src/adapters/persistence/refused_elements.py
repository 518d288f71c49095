"""Batches in which the driver refuses an element: its neighbours are stored all the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import psycopg

Item = TypeVar("Item")
Result = TypeVar("Result")


def each_on_its_own(
    flush: Callable[[list[Item]], Awaitable[Sequence[Result]]],
) -> Callable[[list[Item]], Awaitable[Sequence[Result | psycopg.Error]]]:
    """`flush`, and when the driver refuses what is in a batch, once more for each of it: none fails its neighbours.

    One that came alone is tried again too: who stored the same in that very moment is seen now.
    """

    async def flush_alone(item: Item) -> Sequence[Result | psycopg.Error]:
        try:
            return await flush([item])
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            return [error]

    async def flush_each(items: list[Item]) -> Sequence[Result | psycopg.Error]:
        try:
            return await flush(items)
        except (psycopg.IntegrityError, psycopg.DataError):
            return [each for item in items for each in await flush_alone(item)]

    return flush_each


async def one_by_one(
    note: Callable[[Item], Awaitable[Result]], items: Sequence[Item]
) -> Sequence[Result | psycopg.Error]:
    """What `note` says of each, called for one after the other."""

    async def note_all(some: list[Item]) -> Sequence[Result]:
        return [await note(item) for item in some]

    return [each for item in items for each in await each_on_its_own(note_all)([item])]


def without_refusals(results: Sequence[Result | psycopg.Error]) -> Sequence[Result]:
    """The results. Raises what one of them was refused for: the platform must keep it."""
    for result in results:
        if isinstance(result, psycopg.Error):
            raise result
    return results  # type: ignore[return-value]
