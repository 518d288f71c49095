"""Capacity, locks, the bound of what is in flight, and how a queue stands: in memory and in Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from redis.asyncio import Redis

from adapters.coordination.connection import opened_redis
from adapters.coordination.context_cache import RedisContextCache
from adapters.coordination.turn_queue import QueueLimits, RedisTurnQueue
from adapters.coordination.wake_up_broker import wake_up, wake_up_key
from application.ports.turn_queue import QueueState, TurnQueue
from application.ports.turns import Waiting
from tests.builders import an_id
from tests.fakes.clock import FrozenClock
from tests.fakes.turn_queue import MemoryTurnQueue

LEASE_SECONDS = 1.5
NEW = Callable[..., TurnQueue]


@dataclass(frozen=True)
class Room:
    """Queues with whatever limits over one store, how time passes there, and how many wake-ups there were."""

    new: NEW
    sleep: Callable[[float], Awaitable[None]]
    wake_ups: Callable[[], Awaitable[int]]


def _of_redis(redis: Redis) -> Room:
    def new(capacity: int = 100, in_flight_max: int = 100) -> TurnQueue:
        limits = QueueLimits(capacity, in_flight_max, LEASE_SECONDS)
        return RedisTurnQueue(redis, wake_up_key(), wake_up, limits, RedisContextCache(redis, 300))

    return Room(new, asyncio.sleep, lambda: redis.llen(wake_up_key()))


def _in_memory() -> Room:
    clock, made = FrozenClock(), []

    def new(capacity: int = 100, in_flight_max: int = 100) -> TurnQueue:
        made.append(MemoryTurnQueue(clock, capacity, in_flight_max, LEASE_SECONDS))
        return made[-1]

    async def wake_ups() -> int:
        return len(made[-1].wake_ups)

    return Room(new, clock.sleep, wake_ups)


@pytest.fixture(params=["memory", "redis"])
async def room(request) -> AsyncIterator[Room]:
    if request.param == "memory":
        yield _in_memory()
        return
    async with opened_redis(request.getfixturevalue("redis_url")) as redis:
        yield _of_redis(redis)


def _places(number: UUID, count: int) -> list[Waiting]:
    return [Waiting(an_id(), number) for _ in range(count)]


async def test_a_full_queue_takes_nothing_more_and_says_which_it_is(room: Room) -> None:
    queue, full, other = room.new(capacity=3), an_id(), an_id()

    assert set(await queue.admit(_places(full, 3))) == set()
    assert set(await queue.admit([*_places(full, 2), *_places(other, 1)])) == {full}

    assert len(await queue.claim(full, an_id(), 10)) == 3
    assert len(await queue.claim(other, an_id(), 10)) == 1


async def test_what_was_refused_finds_room_when_something_is_done(room: Room) -> None:
    queue, number = room.new(capacity=1), an_id()
    first, late = _places(number, 2)
    assert set(await queue.admit([first, late])) == {number}
    (entry,) = await queue.claim(number, an_id(), 10)
    assert set(await queue.admit([late])) == {number}

    await queue.finish(entry)

    assert set(await queue.admit([late])) == set()
    assert [entry.conversation_id for entry in await queue.claim(number, an_id(), 10)] == [late.conversation_id]


async def test_no_more_are_in_flight_than_a_number_may_have_over_all_workers(room: Room) -> None:
    queue, number = room.new(in_flight_max=2), an_id()
    places = _places(number, 4)
    await queue.admit(places)

    claimed = [*await queue.claim(number, an_id(), 10), *await queue.claim(number, an_id(), 10)]

    assert [entry.conversation_id for entry in claimed] == [place.conversation_id for place in places[:2]]


async def test_when_a_full_number_has_room_again_a_worker_is_woken(room: Room) -> None:
    queue, number = room.new(in_flight_max=1), an_id()
    await queue.admit(_places(number, 2))
    woken = await room.wake_ups()
    (entry,) = await queue.claim(number, an_id(), 10)

    await queue.finish(entry)
    (last,) = await queue.claim(number, an_id(), 10)
    await queue.finish(last)

    assert await room.wake_ups() == woken + 1


async def test_in_a_lane_of_one_a_dead_worker_s_entry_is_another_s_at_once_when_it_is_buried(room: Room) -> None:
    queue, number, dead = room.new(in_flight_max=1), an_id(), an_id()
    first, second = _places(number, 2)
    await queue.admit([first, second])
    await queue.claim(number, dead, 10)
    assert await queue.claim(number, an_id(), 10) == []

    await queue.leave(dead)

    (taken,) = await queue.claim(number, an_id(), 10)
    assert (taken.conversation_id, taken.is_locked) == (first.conversation_id, True)
    await queue.finish(taken)
    assert [each.conversation_id for each in await queue.claim(number, an_id(), 10)] == [second.conversation_id]


async def test_in_a_lane_of_one_it_is_another_s_after_the_lease_when_nobody_buries_it(room: Room) -> None:
    queue, number = room.new(in_flight_max=1), an_id()
    (first, _) = places = _places(number, 2)
    await queue.admit(places)
    await queue.claim(number, an_id(), 10)
    await room.sleep(LEASE_SECONDS * 0.5)
    assert await queue.claim(number, an_id(), 10) == []

    await room.sleep(LEASE_SECONDS * 0.6)

    (taken,) = await queue.claim(number, an_id(), 10)
    assert (taken.conversation_id, taken.is_locked) == (first.conversation_id, True)


async def _two_entries(queue: TurnQueue) -> tuple:
    """The same conversation in the hands of two workers."""
    (place,) = _places(an_id(), 1)
    await queue.admit([place])
    (one,) = await queue.claim(place.phone_number_id, an_id(), 1)
    await queue.admit([place])
    (other,) = await queue.claim(place.phone_number_id, an_id(), 1)
    return one, other


async def test_a_conversation_in_one_worker_s_hands_is_locked_for_another(room: Room) -> None:
    queue = room.new()
    one, other = await _two_entries(queue)

    assert (one.is_locked, other.is_locked) == (True, False)
    assert await queue.lock([other]) == [False]
    assert await queue.lock([one]) == [True]


async def test_the_lock_of_a_worker_that_is_gone_is_free_at_once(room: Room) -> None:
    queue = room.new()
    one, other = await _two_entries(queue)
    assert (await queue.state(one.phone_number_id)).locked == 1

    await queue.leave(one.worker_id)

    assert (await queue.state(one.phone_number_id)).locked == 0
    assert await queue.lock([other]) == [True]
    assert await queue.lock([one]) == [False]


async def test_only_its_owner_gives_a_lock_back(room: Room) -> None:
    queue = room.new()
    one, other = await _two_entries(queue)

    await queue.finish(other)
    assert await queue.lock([other]) == [False]
    await queue.finish(one)

    assert await queue.lock([other]) == [True]


async def test_a_lock_that_is_not_renewed_runs_out_and_a_renewed_one_lasts(room: Room) -> None:
    queue = room.new()
    one, other = await _two_entries(queue)
    await room.sleep(LEASE_SECONDS * 0.7)
    assert await queue.lock([one]) == [True]
    await room.sleep(LEASE_SECONDS * 0.7)
    assert await queue.lock([other]) == [False]

    await room.sleep(LEASE_SECONDS * 0.7)

    assert await queue.lock([other, replace(other, conversation_id=an_id())]) == [True, True]
    assert await queue.lock([one]) == [False]


async def test_how_a_queue_stands_can_be_read(room: Room) -> None:
    queue, number = room.new(), an_id()
    assert await queue.state(number) == QueueState(0, 0, None, 0)
    await queue.admit(_places(number, 3))
    await queue.claim(number, an_id(), 2)
    await room.sleep(LEASE_SECONDS / 3)

    state = await queue.state(number)

    assert (state.waiting, state.in_flight, state.locked) == (1, 2, 2)
    assert LEASE_SECONDS / 4 <= state.oldest_seconds < 5
    await room.sleep(LEASE_SECONDS)
    assert (await queue.state(number)).locked == 0


async def test_locks_of_the_dead_leave_nothing_behind(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        queue, number = _of_redis(redis).new(), an_id()
        await queue.admit(_places(number, 3))
        await queue.claim(number, an_id(), 3)

        await asyncio.sleep(LEASE_SECONDS + 0.1)

        assert await redis.exists(f"locks:{{{number.hex}}}") == 0
