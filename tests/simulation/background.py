"""Work beside a turn, on the driver: it lives and dies with its worker."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from tests.simulation.driver import Driver, Process


class Stoppable:
    """A coroutine that can be told to end; to the driver it is one like any other."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = work
        self.is_stopped = False

    def stop(self) -> None:
        self.is_stopped = True

    def send(self, value: None) -> Any:
        if self.is_stopped:
            self._work.close()
            raise StopIteration
        return self._work.send(value)

    def close(self) -> None:
        self._work.close()


class SteppedBackground:
    """Starts work in one process."""

    def __init__(self, driver: Driver, process: Process) -> None:
        self._driver, self._process = driver, process

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Stoppable:
        started = Stoppable(work())
        self._driver.start(self._process, started)
        return started
