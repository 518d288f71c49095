"""Whoever buries dead workers: in a process of its own, so that a store that hangs holds nobody up."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from uuid import UUID

from entrypoints.worker.forking import forked

AGAIN_SECONDS = 1.0
PATIENCE_SECONDS = 15.0
"""Longer than the time limits of both stores together."""

Bury = Callable[[Collection[UUID]], bool]


@dataclass(slots=True)
class Undertaker:
    """Buries what is handed over, again and again until it is done or the leases have run out by themselves.

    It begins with those that an earlier supervisor left behind: `bury` finds them by itself.
    """

    bury: Bury
    lease_seconds: float
    _dead: dict[UUID, float] = field(default_factory=dict)
    _is_wanted: bool = True
    _due_at: float = 0.0
    _child: int | None = None
    _began_at: float = 0.0
    _taken: frozenset[UUID] = frozenset()

    def is_busy(self, now: float) -> bool:
        """Whether it is at work; what failed is not waited for."""
        return self._child is not None or (self._is_wanted and now >= self._due_at)

    def hand_over(self, worker_id: UUID, now: float) -> None:
        """Have a worker buried that died at `now`."""
        self._dead[worker_id] = now
        self._is_wanted, self._due_at = True, now

    def tend(self, now: float) -> None:
        """Go on with it, without waiting for anything."""
        if self._child is not None:
            self._look_after(self._child, now)
        if self._child is None and self._is_wanted and now >= self._due_at:
            self._taken, self._is_wanted, self._began_at = frozenset(self._dead), False, now
            self._child = forked(lambda: 0 if self.bury(self._taken) else 1)

    def due_in(self, now: float) -> float | None:
        """After how many seconds it has something to do by itself; None: only when its child ends."""
        if self._child is not None:
            return max(0.0, self._began_at + PATIENCE_SECONDS - now)
        return max(0.0, self._due_at - now) if self._is_wanted else None

    def _look_after(self, child: int, now: float) -> None:
        if now > self._began_at + PATIENCE_SECONDS:
            os.kill(child, signal.SIGKILL)
        ended, status = os.waitpid(child, os.WNOHANG)
        if not ended:
            return
        self._child = None
        is_done = os.waitstatus_to_exitcode(status) == 0
        # After so long its lease has run out anyway.
        late = {one for one, died_at in self._dead.items() if now - died_at > self.lease_seconds}
        for one in late | (self._taken if is_done else frozenset()):
            self._dead.pop(one, None)
        if not is_done and (self._dead or not self._taken):
            self._is_wanted, self._due_at = True, max(self._due_at, now + AGAIN_SECONDS)
