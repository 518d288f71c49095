import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from adapters.coordination.connection import opened_redis
from adapters.coordination.context_cache import RedisContextCache
from application.ports.context_cache import ContextCache, ContextCacheUnavailable, SealedContext
from tests.builders import an_id
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.context_cache import MemoryContextCache


def a_context(sealed: bytes = b"\x00sealed") -> SealedContext:
    return SealedContext(an_id(), sealed, MONDAY_MORNING)


@pytest.fixture(params=["memory", "redis"])
async def contexts(request) -> AsyncIterator[ContextCache]:
    if request.param == "memory":
        yield MemoryContextCache()
        return
    async with opened_redis(request.getfixturevalue("redis_url")) as redis:
        yield RedisContextCache(redis, 300)


async def test_a_context_is_at_hand_in_its_own_version_only(contexts: ContextCache) -> None:
    number, another, context = an_id(), an_id(), a_context()
    await contexts.put({number: context})

    assert await contexts.get({number: context.version, another: context.version}) == {number: context}
    assert await contexts.get({number: an_id()}) == {}
    assert await contexts.get({}) == {}


async def test_a_dropped_context_is_gone(contexts: ContextCache) -> None:
    number, context = an_id(), a_context()
    await contexts.put({number: context})

    await contexts.drop(number)
    await contexts.drop(number)

    assert await contexts.get({number: context.version}) == {}


async def test_the_context_that_was_put_last_stays(contexts: ContextCache) -> None:
    number, old, new = an_id(), a_context(b"old"), a_context(b"new")
    await contexts.put({number: old})
    await contexts.put({number: new})

    assert await contexts.get({number: old.version}) == {}
    assert await contexts.get({number: new.version}) == {number: new}


async def test_what_one_has_claimed_no_other_reads_until_it_is_put(contexts: ContextCache) -> None:
    number, another, context = an_id(), an_id(), a_context()

    wanted = {number: context.version}
    assert set(await contexts.claim(wanted | {another: an_id()})) == {number, another}
    assert list(await contexts.claim(wanted)) == []
    await contexts.put({number: context})

    assert await contexts.wait(wanted) == {number: context}
    assert list(await contexts.claim({number: an_id()})) == [number]


async def test_what_was_put_while_somebody_looked_for_it_is_not_read_again(contexts: ContextCache) -> None:
    number, context = an_id(), a_context()
    wanted = {number: context.version}
    assert await contexts.get(wanted) == {}
    await contexts.claim(wanted)
    await contexts.put({number: context})

    assert list(await contexts.claim(wanted)) == []
    assert await contexts.wait(wanted) == {number: context}


async def test_whoever_waits_for_somebody_who_puts_something_else_or_nothing_gets_nothing(
    contexts: ContextCache,
) -> None:
    number, silent = an_id(), an_id()
    wanted = {number: an_id(), silent: an_id()}
    await contexts.claim(wanted)
    await contexts.put({number: a_context()})

    assert await contexts.wait(wanted) == {}


# --- what only the real one promises


@pytest.fixture
async def bare(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        yield redis


async def test_a_context_is_kept_for_its_time_from_its_last_use_and_no_longer(redis_url: str, bare: Redis) -> None:
    number, context = an_id(), a_context()
    async with opened_redis(redis_url) as redis:
        contexts = RedisContextCache(redis, 450)
        await contexts.put({number: context})
        (key,) = await bare.keys("*")
        assert 440 < await bare.ttl(key) <= 450

        await bare.expire(key, 10)
        await contexts.get({number: context.version})
        assert 440 < await bare.ttl(key) <= 450


async def test_who_waits_goes_on_as_soon_as_it_is_put(redis_url: str) -> None:
    number, context = an_id(), a_context()
    async with opened_redis(redis_url) as redis:
        contexts = RedisContextCache(redis, 300)
        await contexts.claim({number: context.version})
        waiting = asyncio.create_task(contexts.wait({number: context.version}))
        await contexts.put({number: context})

        assert await waiting == {number: context}


async def test_a_claim_of_somebody_who_died_ends_by_itself(redis_url: str, bare: Redis) -> None:
    async with opened_redis(redis_url) as redis:
        await RedisContextCache(redis, 300).claim({an_id(): an_id()})

    (key,) = await bare.keys("*")
    assert 0 < await bare.pttl(key) <= 1_000


async def test_with_redis_out_of_reach_nothing_is_kept_and_everybody_reads_for_themselves() -> None:
    number, context = an_id(), a_context()
    async with opened_redis("redis://127.0.0.1:1/0") as redis:
        contexts = RedisContextCache(redis, 300)
        await contexts.put({number: context})
        await contexts.drop(number)

        assert list(await contexts.claim({number: context.version})) == [number]
        assert await contexts.wait({number: context.version}) == {}
        with pytest.raises(ContextCacheUnavailable):
            await contexts.get({number: context.version})
