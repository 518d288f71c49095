import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from math import ceil

import pytest
from structlog.testing import capture_logs

from adapters.coordination.connection import opened_redis
from adapters.coordination.rate_limits import RedisRateLimits
from application.ports.rate_limits import Rate, RateLimits
from tests.fakes.clock import FrozenClock
from tests.fakes.rate_limits import MemoryRateLimits

QUICK = Rate(per_minute=300, burst=3)
"""One each 0.2 s."""
Limits = tuple[RateLimits, RateLimits, Callable[[float], Awaitable[None]]]


@pytest.fixture(params=["memory", "redis"])
async def limits(request) -> AsyncIterator[Limits]:
    """Limits that count, some out of reach, and how time passes."""
    if request.param == "memory":
        clock = FrozenClock()
        unreachable = MemoryRateLimits(clock)
        unreachable.is_down = True
        yield MemoryRateLimits(clock), unreachable, clock.sleep
        return
    url = request.getfixturevalue("redis_url")
    async with opened_redis(url) as redis, opened_redis("redis://127.0.0.1:1/0") as nobody:
        yield RedisRateLimits(redis), RedisRateLimits(nobody), asyncio.sleep


async def test_a_burst_may_pass_and_then_one_after_the_other(limits: Limits) -> None:
    counting, _, sleep = limits

    tries = [await counting.take("kim", QUICK) for _ in range(4)]
    other = await counting.take("ada", QUICK)
    await sleep(tries[3].wait_seconds + 0.01)

    assert [each.wait_seconds for each in tries[:3]] == [0, 0, 0]
    assert 0 < tries[3].wait_seconds <= 0.2
    assert other.wait_seconds == 0
    assert (await counting.take("kim", QUICK)).wait_seconds == 0
    assert (await counting.take("kim", QUICK)).wait_seconds > 0


async def test_each_try_tells_how_many_more_may_follow_and_when_all_may_again(limits: Limits) -> None:
    counting, _, _ = limits

    tries = [await counting.take("kim", Rate(per_minute=6, burst=3)) for _ in range(4)]

    assert [each.left for each in tries] == [2, 1, 0, 0]
    assert 5 < tries[0].full_seconds <= 10
    assert 20 < tries[2].full_seconds <= 30


async def test_who_comes_at_once_is_counted_one_by_one(limits: Limits) -> None:
    counting, _, _ = limits

    tries = await asyncio.gather(*(counting.take("kim", Rate(per_minute=1, burst=50)) for _ in range(200)))

    assert sum(each.wait_seconds == 0 for each in tries) == 50
    assert sorted(each.left for each in tries)[-50:] == list(range(50))


async def test_what_was_refused_costs_nothing(limits: Limits) -> None:
    counting, _, sleep = limits
    for _ in range(20):
        await counting.take("kim", QUICK)

    await sleep(0.21)

    assert (await counting.take("kim", QUICK)).wait_seconds == 0


async def test_out_of_reach_everything_is_allowed_and_quickly(limits: Limits) -> None:
    _, unreachable, _ = limits
    began = time.monotonic()

    assert [(await unreachable.take("kim", QUICK)).wait_seconds for _ in range(5)] == [0] * 5
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(("per_minute", "wasted_max"), [(100, 0), (1_000, 40), (20_000, 100)])
async def test_over_several_processes_exactly_what_is_allowed_passes(redis_url, per_minute, wasted_max) -> None:
    """Each has a connection of its own, as a process has; what refills meanwhile is all that may be added."""
    rate = Rate(per_minute, burst=per_minute)
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        processes = [RedisRateLimits(await stack.enter_async_context(opened_redis(redis_url))) for _ in range(4)]
        passed = sum(await asyncio.gather(*(_used_up(each, rate) for each in processes for _ in range(8))))
    refilled = ceil((time.monotonic() - began) * per_minute / 60)
    assert per_minute - wasted_max <= passed <= per_minute + refilled


async def _used_up(limits: RateLimits, rate: Rate) -> int:
    """How often it was allowed until it was refused."""
    passed = 0
    while (await limits.take("kim", rate)).wait_seconds == 0:
        passed += 1
    return passed


async def test_a_busy_name_costs_a_command_now_and_then_only(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        counting, rate = RedisRateLimits(redis), Rate(6_000, 6_000)
        before = (await redis.info("commandstats")).get("cmdstat_evalsha", {"calls": 0})["calls"]
        for _ in range(1_000):
            await counting.take("kim", rate)
        assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] - before < 120


async def test_an_outage_is_told_once_and_its_end_counts_again(redis_url) -> None:
    async with opened_redis("redis://127.0.0.1:1/0") as nobody:
        with capture_logs() as logs:
            counting = RedisRateLimits(nobody)
            for _ in range(5):
                await counting.take("kim", QUICK)
    assert [line["event"] for line in logs] == ["rate_limits_not_counted"]


async def test_names_lie_in_redis_as_hashes_only_and_not_for_ever(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        await RedisRateLimits(redis).take("kim@example.com", QUICK)

        (key,) = await redis.keys()
        assert b"kim" not in key
        assert 0 < await redis.pttl(key) <= 200
