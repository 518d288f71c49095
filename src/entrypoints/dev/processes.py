"""The processes of the house: started bound to the launcher, awaited until they answer, started again, stopped."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from entrypoints.readiness import READY_FD
from entrypoints.stores import bound_to_launcher

READY_SECONDS = 30.0
STOP_SECONDS = 30.0
"""Longer than workers drain."""
RESTARTS_MAX = 5
"""A process that ends this often within RESTARTS_SECONDS has something wrong with it that starting will not mend."""
RESTARTS_SECONDS = 60.0


class ProcessFailed(Exception):
    """A process of the house does not run. The message names it."""


@dataclass(slots=True)
class Process:
    """One process: `words` follow `frontdesk`, `name` is what people see."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    _child: subprocess.Popen[bytes] | None = None
    _ended_at: list[float] = field(default_factory=list)

    def start(self) -> int:
        """Start it; the pipe on which it says that it is ready."""
        reader, writer = os.pipe()
        try:
            self._launch({READY_FD: str(writer)}, (writer,))
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
        if code >= 0:  # below zero somebody killed it, which says nothing about its health
            self._count_end(code)
        sys.stderr.write(f"frontdesk dev: {self.name} ended with {code}; starting it again.\n")
        self._launch({}, ())

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
