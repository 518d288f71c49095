"""Keeps forked workers at work: starts again what ends, has buried what died, lets all drain in the end."""

from __future__ import annotations

import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

from entrypoints.readiness import announce_ready
from entrypoints.worker.child import DRAIN_SECONDS_MAX, WorkerChild, WorkersFailed
from entrypoints.worker.crew import Crew, end_what_is_stuck
from entrypoints.worker.undertaker import Undertaker

LOOK_SECONDS = 1.0
"""How often to look around although nobody woke us."""
NAP_SECONDS = 3.0
"""Whoever comes back later than that from a look around was asleep, and with it most likely the whole machine."""


class Scaler(Protocol):
    """Decides how many workers there are."""

    def wanted(self, crew: Crew, now: float) -> int:
        """How many there should be."""
        ...


@dataclass(slots=True)
class Supervisor:
    """Keeps its crew at work, and `companions`, who are no workers, beside it."""

    crew: Crew
    undertaker: Undertaker
    companions: Sequence[WorkerChild] = ()
    scaler: Scaler | None = None
    _is_told_to_stop: bool = False
    _is_told_to_roll: bool = False
    _stopping_since: float | None = None
    _is_announced: bool = False
    _looked_at: float = float("inf")
    _awake_since: float = 0.0

    def run(self) -> None:
        """Supervise until somebody stops us. Raises WorkersFailed when the workers do not run."""
        with _woken_by_signals(self._be_told_to_stop, self._be_told_to_roll) as wake_up:
            try:
                self._supervise(wake_up)
            except WorkersFailed:
                self._is_told_to_stop = True
                self._supervise(wake_up)
                raise

    def _supervise(self, wake_up: socket.socket) -> None:
        while True:
            now = time.monotonic()
            self._note_naps(now)
            self._do_what_is_told(now)
            self._tend_crew(now)
            self.undertaker.tend(now)
            if not self._goes_on(now):
                return
            self._wait(wake_up, self._due_in(now))
            self._look_at_children(time.monotonic())

    @property
    def _children(self) -> list[WorkerChild]:
        return [*self.crew, *self.companions]

    def _goes_on(self, now: float) -> bool:
        if self._stopping_since is None or any(child.runs for child in self._children):
            return True
        return self.undertaker.is_busy(now) and now <= self._stopping_since + DRAIN_SECONDS_MAX

    def _be_told_to_stop(self) -> None:
        """Remember it: a signal may come in the middle of a start."""
        self._is_told_to_stop = True

    def _be_told_to_roll(self) -> None:
        self._is_told_to_roll = True

    def _note_naps(self, now: float) -> None:
        """Whoever was silent while we slept may have slept as well."""
        if now - self._looked_at > NAP_SECONDS:
            self._awake_since = now
        self._looked_at = now

    def _do_what_is_told(self, now: float) -> None:
        if self._is_told_to_stop and self._stopping_since is None:
            self._stopping_since = now
            self.crew.stop(now)
            for companion in self.companions:
                companion.retire(now)
        if self._is_told_to_roll:
            self._is_told_to_roll = False
            self.crew.roll()

    def _tend_crew(self, now: float) -> None:
        if self._stopping_since is None:
            if self.scaler is not None:
                self.crew.wanted = self.scaler.wanted(self.crew, now)
            self.crew.tend(now)
        for child in self._children:
            if self._stopping_since is None and not child.runs and now >= child.due_at:
                child.start(now)
            end_what_is_stuck(child, self.crew.health, self._awake_since, now)

    def _due_in(self, now: float) -> float:
        """After how many seconds something is to be done, although nobody wakes us."""
        dues = [LOOK_SECONDS]
        if self._stopping_since is None:
            dues += [max(0.0, child.due_at - now) for child in self._children if not child.runs]
        burial = self.undertaker.due_in(now)
        return min(dues if burial is None else [*dues, burial])

    def _wait(self, wake_up: socket.socket, seconds: float) -> None:
        """Until a signal comes, a child says something, or so many seconds have passed."""
        readers = {reader: child for child in self._children for reader in child.readers}
        readable, _, _ = select.select([wake_up.fileno(), *readers], [], [], seconds)
        for reader in readable:
            if reader == wake_up.fileno():
                wake_up.recv(4_096)
            else:
                readers[reader].hear(reader, time.monotonic())
        if not self._is_announced and self.crew.is_complete and all(each.is_ready for each in self.companions):
            self._is_announced = True
            announce_ready()

    def _look_at_children(self, now: float) -> None:
        for child in self._children:
            ended = child.ended(now)
            if ended is None:
                continue
            self.undertaker.hand_over(ended.worker_id, now)
            if self._stopping_since is not None:
                continue
            if not self._is_announced and ended.code > 0:
                raise WorkersFailed  # it has said why
            self.crew.note_end(child, ended)


@contextmanager
def _woken_by_signals(stop: Callable[[], None], roll: Callable[[], None]) -> Iterator[socket.socket]:
    """A socket that becomes readable with each signal. SIGTERM and SIGINT also call `stop`, SIGHUP calls `roll`."""
    called = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: roll}

    def heard(number: int, _frame: FrameType | None) -> None:
        if number in called:
            called[signal.Signals(number)]()

    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (*called, signal.SIGCHLD):
            signal.signal(number, heard)
        yield reader
        signal.set_wakeup_fd(-1)
