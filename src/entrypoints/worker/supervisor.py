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

import structlog

from entrypoints.readiness import announce_ready
from entrypoints.worker.child import WorkerChild, WorkersFailed
from entrypoints.worker.undertaker import Undertaker

log = structlog.get_logger()

STOP_SECONDS = 28.0
"""Longer than a worker drains, shorter than whoever stops us waits."""


@dataclass(slots=True)
class Supervisor:
    """Keeps its children at work."""

    children: Sequence[WorkerChild]
    undertaker: Undertaker
    _is_told_to_stop: bool = False
    _stopping_since: float | None = None
    _is_announced: bool = False

    def run(self) -> None:
        """Supervise until somebody stops us. Raises WorkersFailed when the children do not run."""
        with _woken_by_signals(self._be_told_to_stop) as wake_up:
            try:
                self._supervise(wake_up)
            except WorkersFailed:
                self._is_told_to_stop = True
                self._supervise(wake_up)
                raise

    def _supervise(self, wake_up: socket.socket) -> None:
        while True:
            now = time.monotonic()
            self._stop_when_told(now)
            self._start_what_is_due(now)
            self.undertaker.tend(now)
            if not self._goes_on(now):
                return
            self._wait(wake_up, self._due_in(now))
            self._look_at_children(time.monotonic())

    def _goes_on(self, now: float) -> bool:
        if self._stopping_since is None or any(child.runs for child in self.children):
            return True
        return self.undertaker.is_busy(now) and not self._is_over(now)

    def _be_told_to_stop(self) -> None:
        """Remember it: a signal may come in the middle of a start."""
        self._is_told_to_stop = True

    def _stop_when_told(self, now: float) -> None:
        """Let the children drain."""
        if self._is_told_to_stop and self._stopping_since is None:
            self._stopping_since = now
            for child in self.children:
                child.send(signal.SIGTERM)

    def _is_over(self, now: float) -> bool:
        """Whether they have had the time to drain."""
        return self._stopping_since is not None and now > self._stopping_since + STOP_SECONDS

    def _start_what_is_due(self, now: float) -> None:
        for child in self.children:
            if self._stopping_since is None and not child.runs and now >= child.due_at:
                child.start()
            elif child.runs and self._is_over(now):
                child.send(signal.SIGKILL)

    def _due_in(self, now: float) -> float | None:
        """After how many seconds something is to be done, although nobody wakes us; None: never."""
        if self._stopping_since is not None:
            dues = [max(0.0, self._stopping_since + STOP_SECONDS - now) + 0.05]
        else:
            dues = [max(0.0, child.due_at - now) for child in self.children if not child.runs]
        burial = self.undertaker.due_in(now)
        return min(dues if burial is None else [*dues, burial], default=None)

    def _wait(self, wake_up: socket.socket, seconds: float | None) -> None:
        """Until a signal comes, a child says that it is ready, or so many seconds have passed."""
        readers = {child.reader: child for child in self.children if child.reader is not None}
        readable, _, _ = select.select([wake_up.fileno(), *readers], [], [], seconds)
        for reader in readable:
            if reader == wake_up.fileno():
                wake_up.recv(4_096)
            else:
                readers[reader].hear()
        if not self._is_announced and all(child.is_ready for child in self.children):
            self._is_announced = True
            announce_ready()

    def _look_at_children(self, now: float) -> None:
        for child in self.children:
            ended = child.ended(now)
            if ended is None:
                continue
            self.undertaker.hand_over(ended.worker_id, now)
            if self._stopping_since is not None:
                continue
            if not self._is_announced and ended.code > 0:
                raise WorkersFailed  # it has said why
            log.warning("worker_ended", worker_id=str(ended.worker_id), code=ended.code)


@contextmanager
def _woken_by_signals(stop: Callable[[], None]) -> Iterator[socket.socket]:
    """A socket that becomes readable with each signal; SIGTERM and SIGINT also call `stop`."""

    def heard(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            stop()

    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, heard)
        yield reader
        signal.set_wakeup_fd(-1)
