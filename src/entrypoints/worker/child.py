"""One worker of a supervisor's: started, watched, and started again whenever it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from entrypoints.readiness import PROCESS_ID, READY_FD, TOLD_FD
from entrypoints.worker.forking import forked

RESTARTS_MAX = 5
"""A worker that ends by itself this often within RESTARTS_SECONDS has something wrong that starting will not mend."""
RESTARTS_SECONDS = 60.0
PAUSE_SECONDS = 0.25
"""How long the next start waits after one that did not get as far as being ready; doubled with every other."""
PAUSE_SECONDS_MAX = 8.0
START_SECONDS_MAX = 60.0
"""A start that takes longer will never end."""
DRAIN_SECONDS_MAX = 28.0
"""Longer than a worker drains, shorter than whoever stops us waits."""
TOLD_MAX = 65_536


class WorkersFailed(Exception):
    """The workers do not run, and starting them again will not help. The message says why, when nobody else did."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A worker that has ended: its id, and its exit code, below zero when a signal killed it."""

    worker_id: UUID
    code: int


@dataclass(slots=True, eq=False)
class WorkerChild:
    """A worker that runs `work` in a process of its own, under another id each time."""

    work: Callable[[], int]
    id: UUID | None = None
    process_id: int | None = None
    is_ready: bool = False
    due_at: float = 0.0
    leaving_since: float | None = None
    told: str = ""
    """The last whole line that it told us."""
    told_at: float | None = None
    """When it last told us anything; None for one that never does."""
    _ready_reader: int | None = None
    _told_reader: int | None = None
    _started_at: float = 0.0
    _false_starts: int = 0
    _ended_at: list[float] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self.process_id is not None

    @property
    def readers(self) -> list[int]:
        """The pipes through which it speaks."""
        return [reader for reader in (self._ready_reader, self._told_reader) if reader is not None]

    def start(self, now: float) -> None:
        """Fork it. Its word that it is ready, and all that it tells, come through `readers`."""
        self.id, self._started_at, self.told, self.told_at = uuid4(), now, "", None
        self._ready_reader, ready = os.pipe()
        self._told_reader, told = os.pipe()
        os.set_blocking(told, False)
        self.process_id = forked(lambda: self._run(ready, told))
        os.close(ready)
        os.close(told)

    def hear(self, reader: int, now: float) -> None:
        """Read from one of its `readers`, which is readable. Nothing to read means that nothing more will come."""
        if reader == self._ready_reader:
            self.is_ready = bool(os.read(reader, 16))
            self._false_starts = 0 if self.is_ready else self._false_starts
            self._ready_reader = _close(reader)
        elif lines := os.read(reader, TOLD_MAX):
            self.told, self.told_at = lines.decode().splitlines()[-1], now
        else:
            self._told_reader = _close(reader)

    def retire(self, now: float) -> None:
        """Let it drain and end for good."""
        if self.leaving_since is None:
            self.leaving_since = now
            self.send(signal.SIGTERM)

    def is_stuck(self, silent_seconds_max: float, awake_since: float, now: float) -> bool:
        """Whether only a kill will end it. What it could not tell while we ourselves slept does not count."""
        if self.leaving_since is not None and now - self.leaving_since > DRAIN_SECONDS_MAX:
            return True
        if not self.is_ready:
            return now - max(self._started_at, awake_since) > START_SECONDS_MAX
        return self.told_at is not None and now - max(self.told_at, awake_since) > silent_seconds_max

    def ended(self, now: float) -> Ended | None:
        """How it ended, if it has, and when the next start is due. Raises WorkersFailed when it keeps ending."""
        if self.process_id is None or self.id is None:
            return None
        ended, status = os.waitpid(self.process_id, os.WNOHANG)
        if not ended:
            return None
        code = os.waitstatus_to_exitcode(status)
        self.due_at = now + self._pause_seconds()
        self.process_id, self.is_ready = None, False
        self._ready_reader, self._told_reader = _close(self._ready_reader), _close(self._told_reader)
        if code >= 0:  # below zero somebody killed it, which says nothing about its health
            self._count_end(code, now)
        return Ended(self.id, code)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal. One that has just ended does not mind: it is still ours to wait for."""
        if self.process_id is not None:
            os.kill(self.process_id, number)

    def _run(self, ready: int, told: int) -> int:
        """In the child. The supervisor's own pipe must not stay open in it: its end would not be noticed."""
        inherited = os.environ.pop(READY_FD, None)
        if inherited is not None:
            os.close(int(inherited))
        os.environ |= {READY_FD: str(ready), TOLD_FD: str(told), PROCESS_ID: str(self.id)}
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


def _close(reader: int | None) -> int | None:
    """Close it if it is open; what is left of it."""
    if reader is not None:
        os.close(reader)
    return None
