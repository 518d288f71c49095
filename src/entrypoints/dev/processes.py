"""The processes of the house: started bound to the launcher, awaited until they answer, started again, stopped."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from entrypoints.readiness import PROCESS_ID, READY_FD
from entrypoints.stores import bound_to_launcher

READY_SECONDS = 30.0
STOP_SECONDS = 30.0
"""Longer than a worker drains."""
RESTARTS_MAX = 5
"""A process that ends this often within RESTARTS_SECONDS has something wrong with it that starting will not mend."""
RESTARTS_SECONDS = 60.0


class ProcessFailed(Exception):
    """A process of the house does not run. The message names it."""


@dataclass(slots=True)
class Process:
    """One process: `words` follow `frontdesk`, `name` is what people see.

    Every start has an id of its own; `bury` is told that of one that has ended.
    """

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    bury: Callable[[UUID], object] | None = None
    _id: UUID | None = None
    _child: subprocess.Popen[bytes] | None = None
    _ended_at: list[float] = field(default_factory=list)

    def start(self) -> int:
        """Start it; the pipe on which it says that it is ready."""
        reader, writer = os.pipe()
        self._id = uuid4()
        try:
            self._launch({READY_FD: str(writer), PROCESS_ID: str(self._id)}, (writer,))
        finally:
            os.close(writer)
        return reader

    def wait_until_ready(self, reader: int) -> None:
        """Return when it answers. Raises ProcessFailed when it ends before, or says nothing for READY_SECONDS."""
        try:
            readable, _, _ = select.select([reader], [], [], READY_SECONDS)
            if not readable:
                raise ProcessFailed(f"{self.name} did not start within {READY_SECONDS:g} seconds.")
            if not os.read(reader, 16):
                raise ProcessFailed(f"{self.name} could not start; its reason stands above.")
        finally:
            os.close(reader)

    def mend(self) -> None:
        """Start it again when it has ended, without waiting for it. Raises ProcessFailed when it keeps ending."""
        if self._child is None or (code := self._child.poll()) is None:
            return
        if self.bury is not None and self._id is not None:
            self.bury(self._id)
        if code >= 0:  # below zero somebody killed it, which says nothing about its health
            self._count_end(code)
        sys.stderr.write(f"frontdesk dev: {self.name} ended with {code}; starting it again.\n")
        self._id = uuid4()
        self._launch({PROCESS_ID: str(self._id)}, ())

    def _count_end(self, code: int) -> None:
        now = time.monotonic()
        self._ended_at = [moment for moment in self._ended_at if now - moment < RESTARTS_SECONDS] + [now]
        if len(self._ended_at) > RESTARTS_MAX:
            raise ProcessFailed(f"{self.name} ended {len(self._ended_at)} times, last with code {code}.")

    def ask_to_stop(self) -> None:
        """Send SIGTERM: it finishes what it has in hand."""
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()

    def wait_until_stopped(self) -> None:
        """Wait for its end, and force it after STOP_SECONDS."""
        if self._child is None:
            return
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _launch(self, more: Mapping[str, str], descriptors: Sequence[int]) -> None:
        self._child = subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-m", "entrypoints.cli.main", *self.words],
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl+C is for the launcher, which stops everyone in order
            preexec_fn=bound_to_launcher(signal.SIGTERM),  # noqa: PLW1509 - two system calls, no locks
        )
