import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

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

    waits = [await counting.wait_seconds("kim", QUICK) for _ in range(4)]
    other = await counting.wait_seconds("ada", QUICK)
    await sleep(waits[3] + 0.01)

    assert waits[:3] == [0, 0, 0]
    assert 0 < waits[3] <= 0.2
    assert other == 0
    assert await counting.wait_seconds("kim", QUICK) == 0
    assert await counting.wait_seconds("kim", QUICK) > 0


async def test_what_was_refused_costs_nothing(limits: Limits) -> None:
    counting, _, sleep = limits
    for _ in range(20):
        await counting.wait_seconds("kim", QUICK)

    await sleep(0.21)

    assert await counting.wait_seconds("kim", QUICK) == 0


async def test_out_of_reach_everything_is_allowed_and_quickly(limits: Limits) -> None:
    _, unreachable, _ = limits
    began = time.monotonic()

    assert [await unreachable.wait_seconds("kim", QUICK) for _ in range(5)] == [0] * 5
    assert time.monotonic() - began < 4


async def test_names_lie_in_redis_as_hashes_only_and_not_for_ever(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        await RedisRateLimits(redis).wait_seconds("kim@example.com", QUICK)

        (key,) = await redis.keys()
        assert b"kim" not in key
        assert 0 < await redis.pttl(key) <= 200
