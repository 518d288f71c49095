"""Work beside a turn, as tasks of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from application.ports.background import Handle

log = structlog.get_logger()


class TaskBackground:
    """One task for each piece of work, kept until it is done: the loop itself holds tasks only weakly."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Handle:
        """Let it go on; see the port."""
        task = asyncio.create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return _Running(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.warning("background_work_failed", error=type(error).__name__)


class _Running:
    """A task that can be ended from outside."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    def stop(self) -> None:
        """End it; see the port."""
        self._task.cancel()
