import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import dramatiq
import pytest
from redis.asyncio import Redis

from adapters.coordination.connection import opened_redis
from adapters.coordination.context_cache import RedisContextCache, context_key
from adapters.coordination.turn_queue import WAKE_UPS_MAX, WORKERS_KEY, QueueLimits, RedisTurnQueue
from adapters.coordination.wake_up_broker import ACTOR, QUEUE, wake_up, wake_up_key
from application.ports.context_cache import SealedContext
from application.ports.turn_queue import QueueUnavailable, TurnQueue
from application.ports.turns import Waiting
from tests.builders import an_id
from tests.fakes.clock import MONDAY_MORNING, FrozenClock
from tests.fakes.turn_queue import MemoryTurnQueue

LEASE_SECONDS = 2.0
NOBODY = "redis://127.0.0.1:1/0"
LIMITS = QueueLimits(capacity=10_000, in_flight_max=500, lease_seconds=LEASE_SECONDS)


@dataclass(frozen=True)
class Queues:
    """The queue under test, and what happens to it from outside."""

    queue: TurnQueue
    lose_everything: Callable[[], Awaitable[object]]
    a_lease_passes: Callable[[], Awaitable[object]]
    half_a_lease_passes: Callable[[], Awaitable[object]]
    woken: Callable[[], Awaitable[Sequence[Sequence[UUID]]]]
    unreachable: TurnQueue


@pytest.fixture(params=["memory", "redis"])
async def queues(request) -> AsyncIterator[Queues]:
    if request.param == "memory":
        clock = FrozenClock()
        queue, unreachable = MemoryTurnQueue(clock, lease_seconds=LEASE_SECONDS), MemoryTurnQueue(clock)
        unreachable.is_down = True

        async def forget() -> None:
            queue.forget()

        async def woken() -> Sequence[Sequence[UUID]]:
            return queue.wake_ups

        yield Queues(
            queue,
            forget,
            lambda: clock.sleep(LEASE_SECONDS),
            lambda: clock.sleep(LEASE_SECONDS / 2),
            woken,
            unreachable,
        )
        return
    url = request.getfixturevalue("redis_url")
    async with opened_redis(url) as redis, opened_redis(NOBODY) as nobody:

        async def woken() -> Sequence[Sequence[UUID]]:
            messages = [dramatiq.Message.decode(one) for one in await redis.lrange(wake_up_key(), 0, -1)]
            assert {(message.queue_name, message.actor_name) for message in messages} <= {(QUEUE, ACTOR)}
            return [[UUID(number) for number in message.args[0]] for message in messages]

        yield Queues(
            RedisTurnQueue(redis, wake_up_key(), wake_up, LIMITS, RedisContextCache(redis, 300)),
            redis.flushall,
            lambda: asyncio.sleep(LEASE_SECONDS),
            lambda: asyncio.sleep(LEASE_SECONDS / 2),
            woken,
            RedisTurnQueue(nobody, wake_up_key(), wake_up, LIMITS, RedisContextCache(nobody, 300)),
        )


def _places(number: UUID, count: int) -> list[Waiting]:
    return [Waiting(an_id(), number) for _ in range(count)]


async def _conversations(queue: TurnQueue, number: UUID, limit: int = 10) -> list[UUID]:
    return [entry.conversation_id for entry in await queue.claim(number, an_id(), limit)]


async def test_a_phone_number_s_conversations_come_out_as_they_went_in(queues: Queues) -> None:
    one, other = an_id(), an_id()
    places, others = _places(one, 5), _places(other, 2)

    await queues.queue.admit([places[0], others[0], places[1], places[2]])
    await queues.queue.admit([others[1], places[3], places[4]])

    assert await _conversations(queues.queue, one, 2) == [place.conversation_id for place in places[:2]]
    assert await _conversations(queues.queue, one, 9) == [place.conversation_id for place in places[2:]]
    assert await _conversations(queues.queue, other) == [place.conversation_id for place in others]
    assert await _conversations(queues.queue, an_id()) == []


async def test_a_conversation_stands_in_its_queue_once(queues: Queues) -> None:
    number = an_id()
    first, second = _places(number, 2)

    await queues.queue.admit([first, second, first])
    await queues.queue.admit([first])

    assert await _conversations(queues.queue, number) == [first.conversation_id, second.conversation_id]


async def test_a_conversation_that_was_taken_can_be_queued_again(queues: Queues) -> None:
    number = an_id()
    (place,) = _places(number, 1)
    await queues.queue.admit([place])
    (taken,) = await queues.queue.claim(number, an_id(), 1)

    await queues.queue.admit([place])

    assert await _conversations(queues.queue, number) == [place.conversation_id]
    await queues.queue.finish(taken)


async def test_each_entry_goes_to_one_worker(queues: Queues) -> None:
    number = an_id()
    places = _places(number, 40)
    await queues.queue.admit(places)

    claims = await asyncio.gather(*(_conversations(queues.queue, number, 7) for _ in range(8)))

    claimed = [conversation_id for claim in claims for conversation_id in claim]
    assert sorted(claimed) == sorted(place.conversation_id for place in places)


async def test_what_was_finished_never_comes_again_and_what_was_left_behind_does(queues: Queues) -> None:
    number = an_id()
    done, left, fresh = _places(number, 3)
    await queues.queue.admit([done, left])
    finished, _ = await queues.queue.claim(number, an_id(), 2)
    await queues.queue.finish(finished)
    await queues.queue.finish(finished)
    await queues.queue.admit([fresh])

    await queues.a_lease_passes()

    assert await _conversations(queues.queue, number) == [left.conversation_id, fresh.conversation_id]


async def test_an_entry_in_living_hands_is_not_taken_away(queues: Queues) -> None:
    number = an_id()
    await queues.queue.admit(_places(number, 1))
    await queues.queue.claim(number, an_id(), 1)

    assert await _conversations(queues.queue, number) == []


async def test_what_a_worker_held_that_has_left_is_claimed_at_once_before_all_and_in_order(queues: Queues) -> None:
    number, one, other = an_id(), an_id(), an_id()
    places = _places(number, 5)
    await queues.queue.admit(places)
    for worker_id in (one, other, one, other):
        await queues.queue.claim(number, worker_id, 1)

    await queues.queue.leave(one)
    await queues.queue.leave(other)

    assert await _conversations(queues.queue, number, 3) == [place.conversation_id for place in places[:3]]
    assert await _conversations(queues.queue, number) == [place.conversation_id for place in places[3:]]


async def test_a_living_worker_keeps_what_it_renews_and_what_it_dropped_is_left_behind(queues: Queues) -> None:
    number, worker_id = an_id(), an_id()
    kept, dropped = _places(number, 2)
    await queues.queue.admit([kept, dropped])
    holding, _ = await queues.queue.claim(number, worker_id, 2)
    for _ in range(2):
        await queues.half_a_lease_passes()
        assert await queues.queue.lock([holding]) == [True]

    assert await _conversations(queues.queue, number) == [dropped.conversation_id]


async def test_a_worker_that_lost_an_entry_does_not_get_it_back_by_renewing_it(queues: Queues) -> None:
    number, late, heir = an_id(), an_id(), an_id()
    await queues.queue.admit(_places(number, 1))
    (entry,) = await queues.queue.claim(number, late, 1)
    await queues.queue.leave(late)
    await queues.queue.claim(number, heir, 1)

    assert await queues.queue.lock([entry]) == [False]

    await queues.queue.leave(late)
    assert await _conversations(queues.queue, number) == []
    await queues.queue.leave(heir)
    assert await _conversations(queues.queue, number) == [entry.conversation_id]


async def test_after_everything_was_lost_it_can_be_fed_again(queues: Queues) -> None:
    number = an_id()
    first, second = _places(number, 2)
    await queues.queue.admit([first, second])
    (taken,) = await queues.queue.claim(number, an_id(), 1)

    await queues.lose_everything()

    await queues.queue.finish(taken)
    assert await _conversations(queues.queue, number) == []
    await queues.queue.admit([second, first])
    assert await _conversations(queues.queue, number) == [second.conversation_id, first.conversation_id]


async def test_a_worker_is_told_once_of_all_the_numbers_that_were_fed_together(queues: Queues) -> None:
    one, other = an_id(), an_id()

    await queues.queue.admit([*_places(one, 2), *_places(other, 1)])

    assert await queues.woken() == [[one, other]]


async def test_when_the_queue_is_out_of_reach_it_says_so_quickly(queues: Queues) -> None:
    began = time.monotonic()
    (place,) = _places(an_id(), 1)

    with pytest.raises(QueueUnavailable):
        await queues.unreachable.admit([place])
    with pytest.raises(QueueUnavailable):
        await queues.unreachable.claim(place.phone_number_id, an_id(), 1)
    with pytest.raises(QueueUnavailable):
        await queues.unreachable.leave(an_id())
    assert time.monotonic() - began < 4


# --- what only Redis can get wrong


async def test_with_nobody_to_hear_them_wake_ups_do_not_pile_up(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        queue = RedisTurnQueue(redis, wake_up_key(), wake_up, LIMITS, RedisContextCache(redis, 300))
        await redis.rpush(wake_up_key(), *[b"an old one"] * (WAKE_UPS_MAX - 1))

        for place in _places(an_id(), 3):
            await queue.admit([place])

        assert await redis.llen(wake_up_key()) == WAKE_UPS_MAX


async def test_a_stream_that_was_lost_alone_is_fed_again(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        queue = RedisTurnQueue(redis, wake_up_key(), wake_up, LIMITS, RedisContextCache(redis, 300))
        number = an_id()
        places = _places(number, 2)
        await queue.admit(places)
        await redis.delete(f"turns:{{{number.hex}}}")

        await queue.admit(places)

        assert await _conversations(queue, number) == [place.conversation_id for place in places]


async def test_nothing_is_kept_of_what_is_done(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        queue = RedisTurnQueue(redis, wake_up_key(), wake_up, LIMITS, RedisContextCache(redis, 300))
        number = an_id()
        await queue.admit(_places(number, 20))

        for entry in await queue.claim(number, an_id(), 20):
            await queue.finish(entry)

        assert await redis.xlen(f"turns:{{{number.hex}}}") == 0
        assert await redis.scard(f"queued:{{{number.hex}}}") == 0


async def test_of_workers_that_are_gone_nothing_is_kept(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        queue = RedisTurnQueue(redis, wake_up_key(), wake_up, LIMITS, RedisContextCache(redis, 300))
        number, last = an_id(), an_id()
        for worker_id in (an_id(), an_id(), an_id(), last):
            await queue.admit(_places(number, 1))
            (entry,) = await queue.claim(number, worker_id, 1)
            await queue.finish(entry)
            if worker_id != last:
                await queue.leave(worker_id)

        consumers = await redis.xinfo_consumers(f"turns:{{{number.hex}}}", "workers")
        assert [consumer["name"].decode() for consumer in consumers] == [last.hex]
        assert await redis.hkeys(WORKERS_KEY) == [last.hex.encode()]
        await asyncio.sleep(LEASE_SECONDS + 0.1)
        assert not await redis.exists(WORKERS_KEY)


async def test_what_is_admitted_and_finished_at_once_costs_few_commands(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        queue = RedisTurnQueue(redis, wake_up_key(), wake_up, LIMITS, RedisContextCache(redis, 300))
        number = an_id()
        before = await _calls(redis)

        await asyncio.gather(*(queue.admit([place]) for place in _places(number, 100)))
        entries = await queue.claim(number, an_id(), 100)
        await asyncio.gather(*(queue.finish(entry) for entry in entries))

        assert len(entries) == 100
        assert await _calls(redis) - before <= 6  # each script may have to be loaded once


async def _calls(redis: Redis) -> int:
    statistics = await redis.info("commandstats")
    return sum(statistics.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval"))


async def test_waits_for_locks_are_counted_for_their_phone_number(queues: Queues) -> None:
    number, other = an_id(), an_id()
    await queues.queue.admit(_places(number, 1))
    (entry,) = await queues.queue.claim(number, an_id(), 1)

    await queues.queue.note_wait(entry, 0.25)
    await queues.queue.note_wait(entry, 1.0)

    state, elsewhere = await queues.queue.state(number), await queues.queue.state(other)
    assert (state.lock_waits, state.lock_wait_seconds) == (2, 1.25)
    assert (elsewhere.lock_waits, elsewhere.lock_wait_seconds) == (0, 0.0)


async def test_the_queue_of_a_number_that_is_gone_is_dropped_and_no_other(queues: Queues) -> None:
    gone, left, worker = an_id(), an_id(), an_id()
    for number in (gone, left):
        await queues.queue.admit([Waiting(an_id(), number), Waiting(an_id(), number)])
    (entry,) = await queues.queue.claim(gone, worker, 1)
    await queues.queue.note_wait(entry, 1.0)

    await queues.queue.drop(gone)

    state = await queues.queue.state(gone)
    assert (state.waiting, state.in_flight, state.lock_waits) == (0, 0, 0)
    assert (await queues.queue.state(left)).waiting == 2
    await queues.queue.finish(entry)
    assert await queues.queue.claim(gone, worker, 10) == []
    with pytest.raises(QueueUnavailable):
        await queues.unreachable.drop(gone)


async def test_a_claim_brings_along_the_context_that_its_turns_ask_for(redis_url) -> None:
    number, worker = an_id(), an_id()
    context = SealedContext(an_id(), b"sealed", MONDAY_MORNING)
    async with opened_redis(redis_url) as redis:
        contexts = RedisContextCache(redis, 300)
        queue = RedisTurnQueue(redis, wake_up_key(), wake_up, LIMITS, contexts)
        await contexts.put({number: context})
        await redis.expire(context_key(number), 10)
        await queue.admit(_places(number, 2))

        assert len(await queue.claim(number, worker, 10)) == 2

        assert await redis.ttl(context_key(number)) > 290
        asked = await _getex(redis)
        for _ in range(2):
            assert await contexts.get({number: context.version}) == {number: context}
        assert await _getex(redis) == asked
        assert await contexts.get({number: an_id()}) == {}
        assert await _getex(redis) == asked + 1
        await contexts.drop(number)
        assert await contexts.get({number: context.version}) == {}


async def _getex(redis: Redis) -> int:
    return (await redis.info("commandstats")).get("cmdstat_getex", {}).get("calls", 0)
