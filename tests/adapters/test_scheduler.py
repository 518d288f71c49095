"""The scheduler's chores: files are slow, and nothing else waits for them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from application.alert_telling import TellOfAlerts
from application.measuring import CheckChores
from application.monitoring import Noticed, Swept
from application.ports.alerts import Watched
from domain.alert_deliveries import Destination
from domain.shared import Unavailable
from entrypoints.scheduler import main
from entrypoints.scheduler.main import run_scheduler
from tests.fakes.alert_deliveries import MemoryAlertDeliveries
from tests.fakes.clock import FrozenClock
from tests.fakes.memory_store import MemoryStore


class Chores:
    """An application whose every chore counts itself; `stuck` never ends."""

    def __init__(self, *, is_stuck: bool = False, is_out: bool = False) -> None:
        self.done: dict[str, int] = {"sweep": 0, "watch": 0, "fetch": 0, "delete": 0, "erase": 0, "extract": 0}
        self.is_stuck, self.is_out = is_stuck, is_out
        self.changed = asyncio.Event()
        self.tell_of_alerts = [TellOfAlerts(Destination.EMAIL, MemoryAlertDeliveries(MemoryStore()), None)]
        self.fetch_media = SimpleNamespace(waiting=lambda: self._file("fetch"))
        self.check_chores = CheckChores(FrozenClock())

    async def sweep(self) -> Swept:
        self._did("sweep")
        if self.is_out:
            raise Unavailable("out")
        return Swept(0, 0)

    async def watch(self) -> Noticed:
        self._did("watch")
        return Noticed()

    async def watch_models(self) -> Watched:
        return Watched()

    async def refresh_tokens(self) -> int:
        return 0

    async def schedule_extractions(self) -> int:
        self._did("extract")
        if self.is_out:
            raise Unavailable("out")
        return 1

    async def forget_answers(self) -> int:
        return 0

    async def delete_media(self) -> int:
        return await self._file("delete")

    async def erase_at_model(self) -> int:
        return await self._file("erase")

    async def _file(self, name: str) -> int:
        self._did(name)
        if self.is_out:
            raise Unavailable("out")
        if self.is_stuck:
            await asyncio.Event().wait()
        return 1

    def _did(self, name: str) -> None:
        self.done[name] += 1
        self.changed.set()

    async def reached(self, name: str, times: int) -> None:
        while self.done[name] < times:
            self.changed.clear()
            await self.changed.wait()


@pytest.fixture(autouse=True)
def _often(monkeypatch) -> None:
    monkeypatch.setattr(main, "SWEEP_SECONDS", 0.001)


async def _while_running(chores: Any, *reached: tuple[str, int]) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run_scheduler(chores, stop))
    async with asyncio.timeout(5):
        for name, times in reached:
            await chores.reached(name, times)
        stop.set()
        await running


async def test_every_chore_is_done_again_and_again() -> None:
    await _while_running(Chores(), *((name, 3) for name in ("sweep", "watch", "fetch", "delete", "extract")))


async def test_a_file_that_takes_its_time_holds_up_neither_the_sweep_nor_the_end() -> None:
    await _while_running(Chores(is_stuck=True), ("fetch", 1), ("sweep", 5))


async def test_a_store_that_is_out_is_asked_again() -> None:
    await _while_running(Chores(is_out=True), ("fetch", 3), ("delete", 3), ("extract", 3))


async def test_rounds_that_are_done_are_noted_for_whoever_asks_how_the_chores_are() -> None:
    chores = Chores()
    assert chores.check_chores.working()

    await _while_running(chores, ("watch", 2))

    assert (chores.check_chores.running(), chores.check_chores.working()) == (None, None)


async def test_rounds_that_end_without_the_store_run_and_do_not_work() -> None:
    chores = Chores(is_out=True)

    await _while_running(chores, ("watch", 2))

    assert chores.check_chores.running() is None
    assert chores.check_chores.working() == "The chores are not done."
