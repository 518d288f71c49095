"""Work beside a turn that goes on only when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any


class Work:
    """One piece of work; `is_stopped` tells whether it was ended from outside."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.work = work
        self.is_stopped = False

    def stop(self) -> None:
        self.is_stopped = True


class IdleBackground:
    """Starts nothing by itself: `started` is what it was given."""

    def __init__(self) -> None:
        self.started: list[Work] = []

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Work:
        self.started.append(Work(work))
        return self.started[-1]
