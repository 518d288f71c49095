from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from adapters.coordination.connection import opened_redis
from adapters.coordination.token_cache import RedisTokenCache
from application.ports.token_cache import SealedToken, TokenCache
from tests.builders import an_id
from tests.fakes.token_cache import MemoryTokenCache


@pytest.fixture(params=["memory", "redis"])
async def tokens(request) -> AsyncIterator[TokenCache]:
    if request.param == "memory":
        yield MemoryTokenCache()
        return
    async with opened_redis(request.getfixturevalue("redis_url")) as redis:
        yield RedisTokenCache(redis, 300)


async def test_a_token_is_at_hand_in_its_own_version_only(tokens: TokenCache) -> None:
    number, another, token = an_id(), an_id(), SealedToken(an_id(), b"\x00sealed")
    await tokens.put({number: token})

    assert await tokens.get({number: token.version, another: token.version}) == {number: token}
    assert await tokens.get({number: an_id()}) == {}
    assert await tokens.get({}) == {}


async def test_a_dropped_token_is_gone(tokens: TokenCache) -> None:
    number, token = an_id(), SealedToken(an_id(), b"sealed")
    await tokens.put({number: token})

    await tokens.drop(number)
    await tokens.drop(number)

    assert await tokens.get({number: token.version}) == {}


async def test_the_newest_token_stays(tokens: TokenCache) -> None:
    number, old, new = an_id(), SealedToken(an_id(), b"old"), SealedToken(an_id(), b"new")
    await tokens.put({number: old})
    await tokens.put({number: new})

    assert await tokens.get({number: new.version}) == {number: new}


async def test_a_token_is_kept_for_its_time_and_no_longer(redis_url: str) -> None:
    async with opened_redis(redis_url) as redis:
        await RedisTokenCache(redis, 450).put({an_id(): SealedToken(an_id(), b"sealed")})

    with_redis = Redis.from_url(redis_url)
    (key,) = await with_redis.keys("*")
    assert 440 < await with_redis.ttl(key) <= 450
    await with_redis.aclose()


async def test_with_redis_out_of_reach_nothing_is_at_hand_and_nothing_fails() -> None:
    number, token = an_id(), SealedToken(an_id(), b"sealed")
    async with opened_redis("redis://127.0.0.1:1/0") as redis:
        tokens = RedisTokenCache(redis, 300)
        await tokens.put({number: token})
        await tokens.drop(number)
        assert await tokens.get({number: token.version}) == {}
