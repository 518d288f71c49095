"""Turns in flight: many at once on one event loop, bounded, and drained when the worker stops."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from uuid import UUID

import structlog

from application.conversations.work import Work
from application.ports.telemetry import Telemetry
from application.ports.turn_queue import QueueEntry, QueueUnavailable
from application.ports.turns import Place
from domain.shared import Unavailable

log = structlog.get_logger()

IN_FLIGHT_MAX = 1_000
CLAIM_MAX = 64
"""Entries taken at a time: few enough that a second worker finds some too."""
DRAIN_SECONDS = 25.0


class Dispatcher:
    """Drives the work of one process. Everything here runs on one event loop."""

    def __init__(self, work: Work, worker_id: UUID, lease_seconds: float, telemetry: Telemetry) -> None:
        self._work = work
        self._telemetry = telemetry
        self._heartbeat_seconds = lease_seconds / 3
        self._worker_id = worker_id
        self._serving: dict[asyncio.Task[None], QueueEntry] = {}
        self._crashed: set[UUID] = set()
        self._is_said = asyncio.Event()
        self._is_said.set()
        self._to_look_into: deque[UUID] = deque()
        self._room = asyncio.Event()
        self._room.set()
        self._looking: asyncio.Task[None] | None = None
        self._heartbeat: asyncio.Task[None] | None = None
        self._draining = False

    async def start(self, place: Place) -> None:
        """Say that this worker lives and where, and keep saying it. Raises Unavailable."""
        await self._work.join(self._worker_id, place)
        self._telemetry.heartbeat(succeeded=True)
        self._heartbeat = asyncio.create_task(self._beat())

    def wake(self, phone_number_ids: Sequence[UUID]) -> None:
        """Look into the queues of those phone numbers as soon as there is room.

        Whoever wakes a worker that is leaving is not heard: what waits there is swept to another one.
        """
        if self._draining:
            return
        known = set(self._to_look_into)
        self._to_look_into.extend(number for number in phone_number_ids if number not in known)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())

    async def drain(self) -> None:
        """Stop taking entries, let the turns in flight end, and leave what did not end in time to others.

        The heart beats until then: a lease that ran out meanwhile would hand over turns that are about to end.
        """
        self._draining = True
        if self._looking is not None:
            self._looking.cancel()
        if self._serving:
            _, late = await asyncio.wait(self._serving, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        try:
            await self._work.leave(self._worker_id)
        except Unavailable as error:
            log.warning("lease_not_ended", reason=str(error))

    async def _look(self) -> None:
        """Take entries from one phone number after the other, in turn, so that a busy one starves nobody."""
        try:
            while self._to_look_into:
                await self._room.wait()
                phone_number_id = self._to_look_into.popleft()
                limit = min(CLAIM_MAX, IN_FLIGHT_MAX - len(self._serving))
                try:
                    entries = await self._work.claim(phone_number_id, self._worker_id, limit)
                except QueueUnavailable as error:
                    log.warning("queue_unavailable", reason=str(error))
                    continue
                for entry in entries:
                    self._serve(entry)
                if len(entries) == limit:
                    self._to_look_into.append(phone_number_id)
        finally:
            self._looking = None

    def _serve(self, entry: QueueEntry) -> None:
        task = asyncio.create_task(self._serve_one(entry))
        self._serving[task] = entry
        self._telemetry.in_flight(len(self._serving))
        task.add_done_callback(self._served)
        if len(self._serving) >= IN_FLIGHT_MAX:
            self._room.clear()

    def _served(self, task: asyncio.Task[None]) -> None:
        del self._serving[task]
        self._telemetry.in_flight(len(self._serving))
        self._room.set()

    async def _serve_one(self, entry: QueueEntry) -> None:
        try:
            await self._is_said.wait()  # what begins while a heartbeat is under way would count as dropped
            await self._work.serve(entry)
        except Unavailable as error:
            self._telemetry.interrupted()
            log.warning("turn_interrupted", conversation_id=str(entry.conversation_id), reason=str(error))
        except Exception:  # one turn's bug must not end the others; the next heartbeat frees its conversation
            self._crashed.add(entry.conversation_id)
            self._telemetry.crashed()
            log.exception("turn_crashed", conversation_id=str(entry.conversation_id))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            try:
                await self._say_what_is_in_hand()
            except (Unavailable, QueueUnavailable) as error:
                self._telemetry.heartbeat(succeeded=False)
                log.warning("lease_not_renewed", reason=str(error))
            else:
                self._telemetry.heartbeat(succeeded=True)

    async def _say_what_is_in_hand(self) -> None:
        holding = list(self._serving.values())
        crashed = self._crashed - {entry.conversation_id for entry in holding}
        self._is_said.clear()
        try:
            await self._work.renew(self._worker_id, holding, crashed)
        finally:
            self._is_said.set()
        self._crashed -= crashed
