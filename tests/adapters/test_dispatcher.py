import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest

from application.ports.turn_queue import QueueEntry, QueueUnavailable
from application.ports.turns import Place, Waiting
from domain.shared import Unavailable
from entrypoints.worker import dispatcher as module
from entrypoints.worker.dispatcher import Dispatcher
from tests.builders import an_id
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.telemetry import MemoryTelemetry
from tests.fakes.turn_queue import MemoryTurnQueue

PATIENCE_SECONDS = 5
PLACE = Place("here", 1, MONDAY_MORNING)


class Turns:
    """Turns that last until they are let end; what the worker did and said is kept, in order."""

    def __init__(self) -> None:
        self.queue = MemoryTurnQueue()
        self.begun: asyncio.Queue[QueueEntry] = asyncio.Queue()
        self.may_end = asyncio.Event()
        self.serving: set[UUID] = set()
        self.most_serving = 0
        self.served: list[UUID] = []
        self.crashing: dict[UUID, Exception] = {}
        self.leases: asyncio.Queue[set[UUID]] = asyncio.Queue()
        self.joined: list[Place] = []
        self.crashed: list[UUID] = []
        self.beat: Callable[[], Awaitable[object]] | None = None
        self.left: list[set[UUID]] = []

    async def claim(self, phone_number_id: UUID, worker_id: UUID, limit: int):
        assert limit > 0
        return await self.queue.claim(phone_number_id, worker_id, limit)

    async def serve(self, entry: QueueEntry) -> int:
        self.serving.add(entry.conversation_id)
        self.most_serving = max(self.most_serving, len(self.serving))
        self.begun.put_nowait(entry)
        try:
            if entry.conversation_id in self.crashing:
                raise self.crashing[entry.conversation_id]
            await self.may_end.wait()
            self.served.append(entry.conversation_id)
        finally:
            self.serving.discard(entry.conversation_id)
        return 1

    async def join(self, worker_id: UUID, place: Place) -> None:
        self.joined.append(place)

    async def renew(self, worker_id: UUID, holding, crashed=()) -> None:
        assert {entry.worker_id for entry in holding} <= {worker_id}
        if self.beat:
            await self.beat()
        self.crashed += crashed
        self.leases.put_nowait({entry.conversation_id for entry in holding})

    async def leave(self, worker_id: UUID) -> None:
        self.left.append(set(self.serving))

    async def begins(self, count: int = 1) -> list[QueueEntry]:
        return [await asyncio.wait_for(self.begun.get(), PATIENCE_SECONDS) for _ in range(count)]

    async def has_queued(self, phone_number_id: UUID, count: int = 1) -> list[UUID]:
        conversations = [an_id() for _ in range(count)]
        await self.queue.admit([Waiting(one, phone_number_id) for one in conversations])
        return conversations


Start = Callable[..., Awaitable[Dispatcher]]


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
async def start(turns: Turns) -> AsyncIterator[Start]:
    started = []

    async def start(lease_seconds: float = 30) -> Dispatcher:
        dispatcher = Dispatcher(turns, an_id(), lease_seconds, MemoryTelemetry())
        await dispatcher.start(PLACE)
        started.append(dispatcher)
        return dispatcher

    yield start
    turns.may_end.set()
    for dispatcher in started:
        await dispatcher.drain()


async def _settled() -> None:
    """Let everything run that can run now."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_wake_up_starts_the_turns_that_wait_there_side_by_side(turns: Turns, start: Start) -> None:
    number, dispatcher = an_id(), await start()
    conversations = await turns.has_queued(number, 100)

    dispatcher.wake([number])

    begun = await turns.begins(100)
    assert [entry.conversation_id for entry in begun] == conversations
    assert turns.serving == set(conversations)


async def test_it_says_that_it_lives_before_it_takes_anything(turns: Turns, start: Start) -> None:
    await start()

    assert turns.joined == [PLACE]


async def test_no_more_turns_are_in_flight_than_there_is_room_for(turns: Turns, start: Start, monkeypatch) -> None:
    monkeypatch.setattr(module, "IN_FLIGHT_MAX", 5)
    numbers, dispatcher = [an_id() for _ in range(3)], await start()
    for number in numbers:
        await turns.has_queued(number, 7)

    dispatcher.wake(numbers)
    await turns.begins(5)
    await _settled()
    assert len(turns.serving) == 5
    turns.may_end.set()
    await turns.begins(16)
    await _settled()

    assert turns.most_serving == 5
    assert len(turns.served) == 21


async def test_a_busy_phone_number_does_not_starve_another(turns: Turns, start: Start, monkeypatch) -> None:
    monkeypatch.setattr(module, "CLAIM_MAX", 4)
    monkeypatch.setattr(module, "IN_FLIGHT_MAX", 12)
    busy, quiet, dispatcher = an_id(), an_id(), await start()
    await turns.has_queued(busy, 1_000)
    await turns.has_queued(quiet, 2)

    dispatcher.wake([busy])
    dispatcher.wake([quiet, busy])

    begun = [entry.phone_number_id for entry in await turns.begins(12)]
    assert begun.count(quiet) == 2


async def test_a_turn_that_crashes_hurts_no_other(turns: Turns, start: Start) -> None:
    number, dispatcher = an_id(), await start()
    bad, poor, good = await turns.has_queued(number, 3)
    turns.crashing = {bad: RuntimeError("a bug"), poor: Unavailable("Postgres does not answer.")}

    dispatcher.wake([number])
    await turns.begins(3)
    later = await turns.has_queued(number)
    dispatcher.wake([number])
    await turns.begins(1)
    turns.may_end.set()
    await _settled()

    assert turns.served == [good, *later]


async def test_a_queue_out_of_reach_is_looked_into_again_with_the_next_wake_up(turns: Turns, start: Start) -> None:
    down, number, dispatcher = an_id(), an_id(), await start()
    claim = turns.claim

    async def claims(phone_number_id: UUID, worker_id: UUID, limit: int):
        if phone_number_id == down:
            raise QueueUnavailable("It is down.")
        return await claim(phone_number_id, worker_id, limit)

    turns.claim = claims
    await turns.has_queued(number)
    await turns.has_queued(down)
    dispatcher.wake([down, number])
    (first,) = await turns.begins()
    turns.claim = claim

    dispatcher.wake([down])

    (second,) = await turns.begins()
    assert (first.phone_number_id, second.phone_number_id) == (number, down)


async def test_the_heart_beats_with_what_is_in_hand(turns: Turns, start: Start) -> None:
    number = an_id()
    conversations = await turns.has_queued(number, 2)
    dispatcher = await start(lease_seconds=0.03)
    turns.crashing = {conversations[0]: RuntimeError("a bug")}

    dispatcher.wake([number])
    await turns.begins(2)

    async with asyncio.timeout(PATIENCE_SECONDS):
        while await turns.leases.get() != {conversations[1]}:
            pass


async def test_a_heartbeat_tells_once_what_crashed_and_not_what_an_outage_interrupted(turns: Turns, start) -> None:
    number, dispatcher = an_id(), await start(lease_seconds=0.03)
    bad, poor = await turns.has_queued(number, 2)
    turns.crashing = {bad: RuntimeError("a bug"), poor: Unavailable("Postgres does not answer.")}
    missed = asyncio.Event()

    async def misses_one() -> None:
        if not missed.is_set():
            missed.set()
            raise Unavailable("Postgres does not answer.")

    dispatcher.wake([number])
    await turns.begins(2)
    turns.beat = misses_one
    await asyncio.wait_for(missed.wait(), PATIENCE_SECONDS)
    for _ in range(3):
        await asyncio.wait_for(turns.leases.get(), PATIENCE_SECONDS)

    assert turns.crashed == [bad]


async def test_nothing_begins_while_a_heartbeat_says_what_is_in_hand(turns: Turns, start: Start) -> None:
    number, dispatcher = an_id(), await start(lease_seconds=0.03)
    await turns.has_queued(number)
    beating, may_go_on = asyncio.Event(), asyncio.Event()

    async def takes_long() -> None:
        beating.set()
        await may_go_on.wait()

    turns.beat = takes_long
    await asyncio.wait_for(beating.wait(), PATIENCE_SECONDS)
    dispatcher.wake([number])
    await _settled()
    assert turns.begun.empty()

    may_go_on.set()

    await turns.begins()


async def test_a_heart_that_missed_a_beat_beats_on(turns: Turns, start: Start) -> None:
    renew, beats = turns.renew, []

    async def fails_twice(worker_id: UUID, holding, crashed=()) -> None:
        beats.append(holding)
        if len(beats) in {2, 3}:
            raise Unavailable("Postgres does not answer.")
        await renew(worker_id, holding)

    turns.renew = fails_twice
    await start(lease_seconds=0.03)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await turns.leases.get()
        await turns.leases.get()
    assert len(beats) >= 4


async def test_draining_waits_for_the_turns_in_flight_and_then_leaves(turns: Turns, start: Start) -> None:
    number, dispatcher = an_id(), await start()
    conversations = await turns.has_queued(number, 3)
    dispatcher.wake([number])
    await turns.begins(3)

    draining = asyncio.create_task(dispatcher.drain())
    await _settled()
    assert (draining.done(), turns.left) == (False, [])
    turns.may_end.set()
    await draining

    assert turns.served == conversations
    assert turns.left == [set()]


async def test_while_it_drains_the_heart_beats_on(turns: Turns, start: Start) -> None:
    number, dispatcher = an_id(), await start(lease_seconds=0.03)
    (conversation_id,) = await turns.has_queued(number)
    dispatcher.wake([number])
    await turns.begins()

    draining = asyncio.create_task(dispatcher.drain())
    await _settled()
    while not turns.leases.empty():
        turns.leases.get_nowait()

    assert await asyncio.wait_for(turns.leases.get(), PATIENCE_SECONDS) == {conversation_id}
    turns.may_end.set()
    await draining


async def test_a_wake_up_that_comes_while_it_drains_is_left_to_others(turns: Turns, start: Start) -> None:
    number, dispatcher = an_id(), await start()
    await turns.has_queued(number)
    dispatcher.wake([number])
    await turns.begins()
    draining = asyncio.create_task(dispatcher.drain())
    await _settled()

    late = await turns.has_queued(number)
    dispatcher.wake([number])
    await _settled()
    turns.may_end.set()
    await draining

    left = await turns.queue.claim(number, an_id(), 10)
    assert [entry.conversation_id for entry in left] == late
    assert turns.begun.empty()


async def test_a_turn_that_does_not_end_in_time_is_left_to_others(turns: Turns, start: Start, monkeypatch) -> None:
    monkeypatch.setattr(module, "DRAIN_SECONDS", 0.05)
    number, dispatcher = an_id(), await start()
    await turns.has_queued(number, 3)
    dispatcher.wake([number])
    await turns.begins(3)

    await dispatcher.drain()

    assert (turns.served, turns.serving) == ([], set())
    assert turns.left == [set()]
