"""One worker of a supervisor's: started, watched, and started again whenever it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from entrypoints.readiness import PROCESS_ID, READY_FD
from entrypoints.worker.forking import forked

RESTARTS_MAX = 5
"""A worker that ends by itself this often within RESTARTS_SECONDS has something wrong that starting will not mend."""
RESTARTS_SECONDS = 60.0
PAUSE_SECONDS = 0.25
"""How long the next start waits after one that did not get as far as being ready; doubled with every other."""
PAUSE_SECONDS_MAX = 8.0


class WorkersFailed(Exception):
    """The workers do not run, and starting them again will not help. The message says why, when nobody else did."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A worker that has ended: its id, and its exit code, below zero when a signal killed it."""

    worker_id: UUID
    code: int


@dataclass(slots=True)
class WorkerChild:
    """A worker that runs `work` in a process of its own, under another id each time."""

    work: Callable[[], int]
    is_ready: bool = False
    due_at: float = 0.0
    reader: int | None = None
    _id: UUID | None = None
    _process_id: int | None = None
    _false_starts: int = 0
    _ended_at: list[float] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self._process_id is not None

    def start(self) -> None:
        """Fork it. Its word that it is ready comes through `reader`."""
        self._id = uuid4()
        self.reader, writer = os.pipe()
        self._process_id = forked(lambda: self._run(writer))
        os.close(writer)

    def hear(self) -> None:
        """Read its word from `reader`, which is readable. None at all means that it has ended."""
        if self.reader is not None:
            self.is_ready = bool(os.read(self.reader, 16))
            self._false_starts = 0 if self.is_ready else self._false_starts
            self._close()

    def ended(self, now: float) -> Ended | None:
        """How it ended, if it has, and when the next start is due. Raises WorkersFailed when it keeps ending."""
        if self._process_id is None or self._id is None:
            return None
        ended, status = os.waitpid(self._process_id, os.WNOHANG)
        if not ended:
            return None
        code = os.waitstatus_to_exitcode(status)
        self.due_at = now + self._pause_seconds()
        self._process_id, self.is_ready = None, False
        self._close()
        if code >= 0:  # below zero somebody killed it, which says nothing about its health
            self._count_end(code, now)
        return Ended(self._id, code)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal. One that has just ended does not mind: it is still ours to wait for."""
        if self._process_id is not None:
            os.kill(self._process_id, number)

    def _run(self, writer: int) -> int:
        """In the child. The supervisor's own pipe must not stay open in it: its end would not be noticed."""
        inherited = os.environ.pop(READY_FD, None)
        if inherited is not None:
            os.close(int(inherited))
        os.environ |= {READY_FD: str(writer), PROCESS_ID: str(self._id)}
        return self.work()

    def _pause_seconds(self) -> float:
        if self.is_ready:
            return 0.0
        self._false_starts += 1
        return min(PAUSE_SECONDS * 2.0 ** (self._false_starts - 1), PAUSE_SECONDS_MAX)

    def _count_end(self, code: int, now: float) -> None:
        self._ended_at = [moment for moment in self._ended_at if now - moment < RESTARTS_SECONDS] + [now]
        if len(self._ended_at) > RESTARTS_MAX:
            raise WorkersFailed(f"a worker ended {len(self._ended_at)} times by itself, last with code {code}.")

    def _close(self) -> None:
        if self.reader is not None:
            os.close(self.reader)
            self.reader = None
