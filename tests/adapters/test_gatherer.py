import asyncio

import pytest

from adapters.gatherer import Gatherer


class Store:
    """Flushes when it is let, and keeps the batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Semaphore(0)
        self.may_end = asyncio.Semaphore(0)
        self.refused: set[int] = set()

    async def flush(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        self.begun.release()
        await self.may_end.acquire()
        if self.refused & set(items):
            raise ValueError(items)
        return [item * 10 for item in items]


@pytest.fixture
def store() -> Store:
    return Store()


def _let(store: Store, flushes: int = 100) -> None:
    for _ in range(flushes):
        store.may_end.release()


async def test_a_lone_item_is_flushed_at_once(store: Store) -> None:
    gatherer = Gatherer(store.flush, items_max=10)
    _let(store)

    assert await asyncio.wait_for(gatherer.one(1), 1) == 10
    assert await asyncio.wait_for(gatherer.one(2), 1) == 20
    assert store.batches == [[1], [2]]


async def test_what_comes_during_a_flush_gathers_for_the_next_in_order(store: Store) -> None:
    gatherer = Gatherer(store.flush, items_max=10)
    first = asyncio.create_task(gatherer.one(1))
    await store.begun.acquire()
    others = [asyncio.create_task(gatherer.all(items)) for items in ([2, 3], [4], [5, 6])]
    await asyncio.sleep(0)

    _let(store)

    assert await first == 10
    assert await asyncio.gather(*others) == [[20, 30], [40], [50, 60]]
    assert store.batches == [[1], [2, 3, 4, 5, 6]]


async def test_a_batch_takes_no_more_than_it_may_and_never_parts_what_belongs_together(store: Store) -> None:
    gatherer = Gatherer(store.flush, items_max=3)
    _let(store)

    results = await asyncio.gather(*(gatherer.all(items) for items in ([1, 2], [3, 4], [5], [6, 7, 8, 9])))

    assert results == [[10, 20], [30, 40], [50], [60, 70, 80, 90]]
    assert store.batches == [[1, 2], [3, 4, 5], [6, 7, 8, 9]]


async def test_a_failure_reaches_its_own_batch_and_no_other(store: Store) -> None:
    gatherer = Gatherer(store.flush, items_max=2)
    store.refused = {2}
    _let(store)

    results = await asyncio.gather(*(gatherer.one(item) for item in range(1, 6)), return_exceptions=True)

    assert [type(result) for result in results] == [ValueError, ValueError, int, int, int]
    assert await gatherer.one(6) == 60


@pytest.mark.parametrize("moment", ["during the flush", "before the flush"])
async def test_a_caller_that_gives_up_hurts_nobody(store: Store, moment: str) -> None:
    gatherer = Gatherer(store.flush, items_max=10)
    first = asyncio.create_task(gatherer.one(0))
    await store.begun.acquire()
    callers = [asyncio.create_task(gatherer.one(item)) for item in (1, 2, 3)]
    await asyncio.sleep(0)
    if moment == "during the flush":
        _let(store, 1)
        await store.begun.acquire()

    callers[1].cancel()
    _let(store)

    results = await asyncio.gather(first, *callers, return_exceptions=True)
    assert [result if isinstance(result, int) else type(result) for result in results] == [
        0,
        10,
        asyncio.CancelledError,
        30,
    ]


async def test_a_failure_nobody_waits_for_any_more_is_no_complaint(store: Store) -> None:
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    gatherer = Gatherer(store.flush, items_max=10)
    store.refused = {1}
    caller = asyncio.create_task(gatherer.one(1))
    await store.begun.acquire()

    caller.cancel()
    _let(store)
    await gatherer.one(2)

    assert complaints == []
