import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from adapters.coordination.connection import opened_redis
from adapters.coordination.duplicate_filter import RedisDuplicateFilter
from application.ports.duplicate_filter import DuplicateFilter
from tests.fakes.clock import FrozenClock
from tests.fakes.duplicate_filter import MemoryDuplicateFilter

SECONDS = 0.2
Filters = tuple[DuplicateFilter, DuplicateFilter, Callable[[float], Awaitable[None]]]


@pytest.fixture(params=["memory", "redis"])
async def filters(request) -> AsyncIterator[Filters]:
    """One that remembers, one out of reach, and how time passes."""
    if request.param == "memory":
        clock = FrozenClock()
        unreachable = MemoryDuplicateFilter(clock, SECONDS)
        unreachable.is_down = True
        yield MemoryDuplicateFilter(clock, SECONDS), unreachable, clock.sleep
        return
    url = request.getfixturevalue("redis_url")
    async with opened_redis(url) as redis, opened_redis("redis://127.0.0.1:1/0") as nobody:
        yield RedisDuplicateFilter(redis, SECONDS), RedisDuplicateFilter(nobody, SECONDS), asyncio.sleep


async def test_only_what_was_remembered_is_known(filters: Filters) -> None:
    seen, _, _ = filters
    await seen.remember(["message 1", "message 2"])

    assert list(await seen.known(["message 2", "message 3", "message 1"])) == [True, False, True]


async def test_what_was_remembered_is_forgotten_after_its_time(filters: Filters) -> None:
    seen, _, sleep = filters
    await seen.remember(["message 1"])
    await sleep(SECONDS + 0.1)

    assert list(await seen.known(["message 1"])) == [False]


async def test_out_of_reach_it_knows_nothing_and_says_so_quickly(filters: Filters) -> None:
    _, unreachable, _ = filters
    began = time.monotonic()

    await unreachable.remember(["message 1"])

    assert list(await unreachable.known(["message 1"])) == [False]
    assert time.monotonic() - began < 4


async def test_names_lie_in_redis_as_hashes_only(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        seen = RedisDuplicateFilter(redis, 60)
        await seen.remember(["message whatsapp 42 wamid.Kim"])
        await seen.known(["another"])

        assert len(await redis.keys()) == 1
        assert all(b"Kim" not in key and b"42" not in key[:8] for key in await redis.keys())


async def test_without_seconds_it_remembers_nothing(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        seen = RedisDuplicateFilter(redis, 0)
        await seen.remember(["message 1"])

        assert list(await seen.known(["message 1"])) == [False]


async def test_another_process_knows_it_with_the_next_question_of_the_one_that_remembers(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        one, other = RedisDuplicateFilter(redis, 60), RedisDuplicateFilter(redis, 60)
        await one.remember(["message 1"])
        await one.known(["message 2"])

        assert list(await other.known(["message 1", "message 2"])) == [True, False]


async def test_what_is_asked_at_once_is_one_command_and_remembering_is_none(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        seen = RedisDuplicateFilter(redis, 60)
        await seen.known(["the script is there"])
        before = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]

        await asyncio.gather(*(seen.remember([f"old {number}"]) for number in range(100)))
        answers = await asyncio.gather(*(seen.known([f"old {n}", f"new {n}"]) for n in range(100)))

        assert [list(answer) for answer in answers] == [[True, False]] * 100
        assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] - before == 1
