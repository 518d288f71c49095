"""Do the stores answer?"""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.persistence.database import Database
from domain.shared import Unavailable

SECONDS_MAX = 2.0


class PostgresProbe:
    """Asks Postgres for a row."""

    name = "postgres"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self) -> None:
        """Raise Unavailable when no row comes; see the port."""
        try:
            async with asyncio.timeout(SECONDS_MAX):
                await self._database.house.fetch("select 1", ())
        except TimeoutError as error:
            raise Unavailable(f"Postgres did not answer within {SECONDS_MAX:g} s.") from error


class RedisProbe:
    """Pings Redis."""

    name = "redis"

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def check(self) -> None:
        """Raise Unavailable when no answer comes; see the port."""
        try:
            async with asyncio.timeout(SECONDS_MAX):
                await self._redis.ping()
        except (RedisError, TimeoutError) as error:
            raise Unavailable(f"Redis does not answer: {type(error).__name__}") from error
