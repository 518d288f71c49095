"""Natural batching: while one flush is under way, what arrives gathers for the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Gatherer(Generic[Item, Result]):
    """Turns many single calls into few calls with many items.

    A lone item is flushed at once; there is no timer that could delay it. Under load, batches grow by
    themselves to what arrives during one flush. `flush` answers one result for each item, in their order. When it
    raises, everyone who waits for that batch gets the exception.
    """

    def __init__(self, flush: Callable[[list[Item]], Awaitable[Sequence[Result]]], *, items_max: int) -> None:
        self._flush = flush
        self._items_max = items_max
        self._waiting: deque[tuple[Sequence[Item], asyncio.Future[Sequence[Result]]]] = deque()
        self._flusher: asyncio.Task[None] | None = None

    async def one(self, item: Item) -> Result:
        """The result for one item."""
        return (await self.all((item,)))[0]

    async def all(self, items: Sequence[Item]) -> Sequence[Result]:
        """The results for items that belong together: they share a batch, in the order given."""
        future: asyncio.Future[Sequence[Result]] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, future))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush_all())
        # Shielded: a caller that gives up must not take the batch of the others down with it.
        return await asyncio.shield(future)

    async def _flush_all(self) -> None:
        try:
            while self._waiting:
                await self._flush_batch(self._next_batch())
        finally:
            self._flusher = None

    def _next_batch(self) -> list[tuple[Sequence[Item], asyncio.Future[Sequence[Result]]]]:
        batch = [self._waiting.popleft()]
        size = len(batch[0][0])
        while self._waiting and size + len(self._waiting[0][0]) <= self._items_max:
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0])
        return batch

    async def _flush_batch(self, batch: list[tuple[Sequence[Item], asyncio.Future[Sequence[Result]]]]) -> None:
        try:
            results = await self._flush([item for items, _ in batch for item in items])
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the answer of everyone who waits
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        place = 0
        for items, future in batch:
            if not future.done():
                future.set_result(results[place : place + len(items)])
            place += len(items)
