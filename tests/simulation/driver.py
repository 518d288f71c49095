"""A scheduler that decides by a seed who goes on, and a clock that only it moves.

Coroutines yield wherever they await a port. Between two yields nothing else happens, as in a transaction. A kill puts
a coroutine aside for good: nothing of it runs again, no `finally` either, as when a process is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any, Protocol

from tests.fakes.clock import MONDAY_MORNING


class Task(Protocol):
    """What the driver lets go on: a coroutine, or what looks like one."""

    def send(self, value: None, /) -> Any: ...

    def close(self) -> None: ...


class Step:
    """A place where others may go on first."""

    def __await__(self) -> Generator[None, None, None]:
        yield


STEP = Step()


@dataclass(slots=True)
class Sleep:
    """A place where a coroutine waits until `seconds` have passed."""

    seconds: float

    def __await__(self) -> Generator[float, None, None]:
        yield self.seconds


@dataclass(slots=True, eq=False)
class Process:
    """What lives, stands still and dies together."""

    name: str
    is_dead: bool = False
    paused_until: float = 0.0


class Stuck(Exception):
    """So many steps, and still no rest."""


@dataclass(slots=True)
class Driver:
    """All coroutines, and the seconds since Monday morning. `trace` is told what happens."""

    random: Random
    trace: Callable[[str], None] | None = None
    seconds: float = 0.0
    steps: int = 0
    graveyard: list[Task] = field(default_factory=list)
    _ready: list[tuple[Process, Task]] = field(default_factory=list)
    _asleep: list[tuple[float, int, Process, Task]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    def start(self, process: Process, task: Task) -> None:
        """Let a coroutine of that process run, from the next step on."""
        self._ready.append((process, task))

    def run(self, is_over: Callable[[], bool], disturb: Callable[[], int], steps_max: int) -> None:
        """Go on until `is_over`, which is asked whenever time has to pass. Raises Stuck after so many steps.

        `disturb` does some harm and tells after how many steps it wants to be called again.
        """
        last, next_harm = self.steps + steps_max, self.steps + disturb()
        while self._ready or not is_over():
            if self.steps >= last:
                raise Stuck
            if self.steps >= next_harm:
                next_harm = self.steps + disturb()
            if self._ready:
                self._step()
            else:
                self._let_time_pass()

    def jump(self, seconds: float) -> None:
        """Let time pass for all, as when the whole machine stood still."""
        self.seconds += seconds
        self._wake()

    def close(self) -> None:
        """The run is over: what is left of all coroutines is thrown away."""
        for task in [*self.graveyard, *(task for _, task in self._ready), *(one[-1] for one in self._asleep)]:
            task.close()

    def tell(self, line: str) -> None:
        """Write a line of the trace."""
        if self.trace:
            self.trace(f"{self.seconds:8.2f}s {self.steps:5} {line}")

    def _step(self) -> None:
        """Somebody goes on, by lot. The last takes the free place: the order in the list means nothing."""
        ready = self._ready
        place = int(self.random.random() * len(ready))
        process, task = ready[place]
        ready[place] = ready[-1]
        ready.pop()
        self.steps += 1
        if process.is_dead:
            self.graveyard.append(task)
        elif process.paused_until > self.seconds:
            self._sleep_until(process.paused_until, process, task)
        else:
            self._send(process, task)

    def _send(self, process: Process, task: Task) -> None:
        try:
            seconds = task.send(None)
        except StopIteration:
            return
        if seconds is None:
            self._ready.append((process, task))
        else:
            self._sleep_until(self.seconds + seconds, process, task)

    def _sleep_until(self, moment: float, process: Process, task: Task) -> None:
        heappush(self._asleep, (moment, next(self._order), process, task))

    def _let_time_pass(self) -> None:
        if not self._asleep:
            raise Stuck
        self.seconds = max(self.seconds, self._asleep[0][0])
        self._wake()

    def _wake(self) -> None:
        while self._asleep and self._asleep[0][0] <= self.seconds:
            _, _, process, task = heappop(self._asleep)
            self._ready.append((process, task))


class VirtualClock:
    """The driver's time as a port; `ahead_seconds` is how wrong this machine's clock is."""

    def __init__(self, driver: Driver, ahead_seconds: float = 0.0) -> None:
        self._driver = driver
        self._ahead = ahead_seconds

    def now(self) -> datetime:
        return MONDAY_MORNING + timedelta(seconds=self._driver.seconds + self._ahead)

    async def sleep(self, seconds: float) -> None:
        await Sleep(max(0.0, seconds))
