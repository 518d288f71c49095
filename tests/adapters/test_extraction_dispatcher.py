"""Runs in flight: many, but not too many, and none started once the worker leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from application.ports.extractions import ClaimedRun
from domain.shared import Unavailable
from entrypoints.worker.extraction_dispatcher import IN_FLIGHT_MAX, ExtractionDispatcher
from tests.builders import an_id
from tests.fakes.clock import MONDAY_MORNING


def a_run() -> ClaimedRun:
    return ClaimedRun(an_id(), an_id(), an_id(), 1, 1, MONDAY_MORNING, [])


class Runs:
    """So many runs wait; each is served until it is let go."""

    def __init__(self, waiting: int) -> None:
        self.waiting = [a_run() for _ in range(waiting)]
        self.serving: list[ClaimedRun] = []
        self.served: list[ClaimedRun] = []
        self.wrong: list[Exception] = []
        self.most_at_once = 0
        self.let_go = asyncio.Event()
        self.changed = asyncio.Condition()

    async def claim(self, limit: int) -> Sequence[ClaimedRun]:
        if self.wrong:
            wrong = self.wrong.pop()
            await self._tell()
            raise wrong
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return taken

    async def serve(self, run: ClaimedRun) -> None:
        self.serving.append(run)
        self.most_at_once = max(self.most_at_once, len(self.serving))
        await self._tell()
        await self.let_go.wait()
        self.serving.remove(run)
        self.served.append(run)
        await self._tell()

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def reach(self, *, serving: int = 0, served: int = 0) -> None:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: len(self.serving) >= serving and len(self.served) >= served)


async def test_one_wake_up_is_enough_for_all_that_waits_and_only_so_many_run_at_once() -> None:
    runs = Runs(3 * IN_FLIGHT_MAX + 1)
    dispatcher = ExtractionDispatcher(runs)

    dispatcher.wake()
    await runs.reach(serving=IN_FLIGHT_MAX)
    runs.let_go.set()
    await runs.reach(served=3 * IN_FLIGHT_MAX + 1)

    assert runs.most_at_once == IN_FLIGHT_MAX
    await dispatcher.drain()


async def test_a_store_that_is_out_is_asked_again_at_the_next_wake_up() -> None:
    runs = Runs(1)
    runs.wrong.append(Unavailable("Postgres does not answer."))
    runs.let_go.set()
    dispatcher = ExtractionDispatcher(runs)

    dispatcher.wake()
    async with asyncio.timeout(5), runs.changed:
        await runs.changed.wait_for(lambda: not runs.wrong)
    await asyncio.sleep(0)
    dispatcher.wake()
    await runs.reach(served=1)

    await dispatcher.drain()


async def test_a_worker_that_leaves_takes_no_more_and_lets_what_it_has_end() -> None:
    runs = Runs(IN_FLIGHT_MAX + 5)
    dispatcher = ExtractionDispatcher(runs)
    dispatcher.wake()
    await runs.reach(serving=IN_FLIGHT_MAX)

    leaving = asyncio.create_task(dispatcher.drain())
    await asyncio.sleep(0)
    dispatcher.wake()
    runs.let_go.set()
    await leaving

    assert (len(runs.served), len(runs.waiting)) == (IN_FLIGHT_MAX, 5)
