"""A worker process on the driver: what the dispatcher does with an event loop, done with steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from application.conversations.work import Work
from application.ports.turn_queue import QueueEntry, QueueUnavailable
from domain.shared import Unavailable
from tests.simulation.driver import Driver, Process, Sleep
from tests.simulation.harm import LEASE_SECONDS

CLAIM_MAX = 3
BEAT_SECONDS = 0.5
"""How long to wait for a heartbeat that is under way before looking again."""


class SimulatedWorker:
    """Takes entries when it is woken, answers many at once, and says every third of a lease that it lives."""

    def __init__(self, work: Work, worker_id: UUID, driver: Driver, process: Process) -> None:
        self.id, self.process = worker_id, process
        self.serving: dict[int, QueueEntry] = {}
        self._taken = 0
        self._is_beating = False
        self._work, self._driver = work, driver
        self._to_look_into: deque[UUID] = deque()
        self._is_looking = False
        driver.start(self.process, self._live())

    def wake(self, phone_number_ids: Sequence[UUID]) -> None:
        """Look into the queues of those phone numbers."""
        self._to_look_into.extend(number for number in phone_number_ids if number not in self._to_look_into)
        if not self._is_looking:
            self._is_looking = True
            self._driver.start(self.process, self._look())

    async def _live(self) -> None:
        while True:
            self._is_beating = True
            with suppress(Unavailable, QueueUnavailable):
                await self._work.renew(self.id, list(self.serving.values()))
            self._is_beating = False
            await Sleep(LEASE_SECONDS / 3)

    async def _look(self) -> None:
        while self._to_look_into:
            number = self._to_look_into.popleft()
            try:
                entries = await self._work.claim(number, self.id, CLAIM_MAX)
            except QueueUnavailable:
                continue
            for entry in entries:
                self._taken += 1
                self.serving[self._taken] = entry
                self._driver.start(self.process, self._serve(self._taken, entry))
            if len(entries) == CLAIM_MAX:
                self._to_look_into.append(number)
        self._is_looking = False

    async def _serve(self, place: int, entry: QueueEntry) -> None:
        try:
            while self._is_beating:
                await Sleep(BEAT_SECONDS)
            await self._work.serve(entry)
        except Unavailable:
            self._driver.tell(f"{self.process.name} drops {str(entry.conversation_id)[-4:]}")
        del self.serving[place]
