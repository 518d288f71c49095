"""The connections to Redis, and what goes over them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from domain.shared import Unavailable

SECONDS_MAX = 2.0
"""How long one command may take. A webhook waits for it, so it must be far below Meta's patience."""


@asynccontextmanager
async def opened_redis(url: str) -> AsyncIterator[Redis]:
    """A small pool, closed at the end. Commands are never retried: one that was not idempotent would run twice."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=2,  # one carries the scripts, the other health checks and what follows
        timeout=SECONDS_MAX,
        socket_timeout=SECONDS_MAX,
        socket_connect_timeout=SECONDS_MAX,
        socket_keepalive=True,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 0),
    )
    client = Redis.from_pool(pool)
    try:
        yield client
    finally:
        await client.aclose()


def check_redis(url: str) -> None:
    """Raise Unavailable, which names the setting, unless Redis answers."""
    client = blocking_redis(url, 0)
    try:
        client.ping()
    except redis.RedisError as error:
        raise Unavailable(f"Redis cannot be reached; check REDIS_URL: {error}") from error
    finally:
        client.close()


def blocking_redis(url: str, seconds_max: float) -> redis.Redis:
    """A client for a thread that waits: its reads may take up to `seconds_max`, and are never retried."""
    return redis.Redis.from_url(
        url,
        socket_timeout=seconds_max + SECONDS_MAX,
        socket_connect_timeout=SECONDS_MAX,
        socket_keepalive=True,
        retry=redis.retry.Retry(NoBackoff(), 0),
    )
