"""The workers of a supervisor: as many as are wanted, and each that must go is followed by another first."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from entrypoints.worker.child import Ended, WorkerChild
from entrypoints.worker.usage import resident_mib

log = structlog.get_logger()

WEIGHED_SECONDS = 5.0
"""How often it is looked how much memory they occupy."""
LEAK_PAUSE_SECONDS = 30.0
"""Between two that are replaced for their memory: with a bound below what a fresh one needs it would never end."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a worker may: be silent for so long, and occupy so much memory."""

    silent_seconds_max: float
    memory_mib_max: float


@dataclass(slots=True)
class Crew:
    """The workers, `wanted` at a time, each of which does `work`."""

    work: Callable[[], int]
    wanted: int
    health: Health
    working: list[WorkerChild] = field(default_factory=list)
    _leaving: list[WorkerChild] = field(default_factory=list)
    _successor: WorkerChild | None = None
    _to_replace: list[UUID] = field(default_factory=list)
    _is_stopping: bool = False
    _weighed_at: float = 0.0
    _leak_at: float = float("-inf")

    def __iter__(self) -> Iterator[WorkerChild]:
        """All of them: those that count, the one that is to follow another, and those that are leaving."""
        yield from self.working
        if self._successor is not None:
            yield self._successor
        yield from self._leaving

    @property
    def is_complete(self) -> bool:
        """Whether as many as are wanted are at work."""
        return len(self.working) == self.wanted and all(child.is_ready for child in self.working)

    def tend(self, now: float) -> None:
        """Bring it nearer to what is wanted, without waiting for anything."""
        if self._is_stopping:
            return
        self._weigh(now)
        self._let_go_and_take_on(now)
        self._replace(now)

    def roll(self) -> None:
        """Replace all of them, one after the other, each once another is at work in its place."""
        self._to_replace = [child.id for child in self.working if child.id is not None and child.runs]

    def stop(self, now: float) -> None:
        """Let all of them drain and end."""
        self._is_stopping = True
        for child in self:
            child.retire(now)

    def note_end(self, child: WorkerChild, ended: Ended) -> None:
        """One of them has ended: whoever was leaving is gone, whoever counts is started again when it is due."""
        if child in self._leaving:
            self._leaving.remove(child)
            log.info("worker_left", worker_id=str(ended.worker_id), code=ended.code)
            return
        if child is self._successor and ended.code >= 0:
            # What is at work goes on as it is: whoever replaces it now would have nothing to replace it with.
            log.error("roll_given_up", worker_id=str(ended.worker_id), code=ended.code)
            self._successor, self._to_replace = None, []
            return
        log.warning("worker_ended", worker_id=str(ended.worker_id), code=ended.code)

    def _let_go_and_take_on(self, now: float) -> None:
        while len(self.working) > self.wanted:
            self._retire(self.working.pop(), now)
        while len(self.working) < self.wanted:
            self.working.append(WorkerChild(self.work))

    def _replace(self, now: float) -> None:
        if self._successor is None:
            if self._predecessor() is not None and not self._leaving:
                self._successor = WorkerChild(self.work)
            return
        if not self._successor.is_ready:
            return
        old, new, self._successor = self._predecessor(), self._successor, None
        if old is None:  # it has ended by itself meanwhile; one of them is let go when that makes too many
            self.working.append(new)
            return
        self.working[self.working.index(old)] = new
        self._retire(old, now)

    def _predecessor(self) -> WorkerChild | None:
        """Whom to replace next. Who has ended since has been replaced already."""
        there = {child.id: child for child in self.working if child.runs}
        self._to_replace = [worker_id for worker_id in self._to_replace if worker_id in there]
        return there[self._to_replace[0]] if self._to_replace else None

    def _retire(self, child: WorkerChild, now: float) -> None:
        if child.runs:
            child.retire(now)
            self._leaving.append(child)

    def _weigh(self, now: float) -> None:
        if now - self._weighed_at < WEIGHED_SECONDS:
            return
        self._weighed_at = now
        for child in self.working:
            if child.is_ready and child.process_id is not None and child.id not in self._to_replace:
                self._heed_weight(child, resident_mib(child.process_id), now)

    def _heed_weight(self, child: WorkerChild, mib: float, now: float) -> None:
        if mib <= self.health.memory_mib_max or now - self._leak_at < LEAK_PAUSE_SECONDS or child.id is None:
            return
        log.warning("worker_leaks", worker_id=str(child.id), memory_mib=round(mib))
        self._leak_at = now
        self._to_replace.append(child.id)


def end_what_is_stuck(child: WorkerChild, health: Health, awake_since: float, now: float) -> None:
    """Kill a worker that is silent, does not get ready or does not end; its end is noticed like any other."""
    if child.runs and child.is_stuck(health.silent_seconds_max, awake_since, now):
        log.error("worker_stuck", worker_id=str(child.id), was_leaving=child.leaving_since is not None)
        child.send(signal.SIGKILL)
