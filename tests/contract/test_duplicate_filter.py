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
        await RedisDuplicateFilter(redis, 60).remember(["message whatsapp 42 wamid.Kim"])

        assert all(b"Kim" not in key and b"42" not in key[:8] for key in await redis.keys())


async def test_without_seconds_it_remembers_nothing(redis_url) -> None:
    async with opened_redis(redis_url) as redis:
        seen = RedisDuplicateFilter(redis, 0)
        await seen.remember(["message 1"])

        assert list(await seen.known(["message 1"])) == [False]
