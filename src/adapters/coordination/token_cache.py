"""Sealed access tokens in Redis: one key for each phone number, the version before the token."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from application.ports.token_cache import SealedToken

VERSION_BYTES = 16


class RedisTokenCache:
    """Keeps what is put for `seconds`. Out of reach, it has nothing and keeps nothing."""

    def __init__(self, redis: Redis, seconds: float) -> None:
        self._redis = redis
        self._milliseconds = round(seconds * 1_000)

    async def get(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedToken]:
        """What is at hand; see the port."""
        if not versions:
            return {}
        try:
            values = await self._redis.mget([_key(number) for number in versions])
        except RedisError:
            return {}
        kept = {
            number: _token(value) for number, value in zip(versions, values, strict=True) if isinstance(value, bytes)
        }
        return {number: token for number, token in kept.items() if token.version == versions[number]}

    async def put(self, tokens: Mapping[UUID, SealedToken]) -> None:
        """Keep tokens; see the port."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for number, token in tokens.items():
                    pipeline.set(_key(number), token.version.bytes + token.sealed, px=self._milliseconds)
                await pipeline.execute()
        except RedisError:
            return

    async def drop(self, phone_number_id: UUID) -> None:
        """Forget a token; see the port."""
        try:
            await self._redis.delete(_key(phone_number_id))
        except RedisError:
            return  # the version in the store keeps it from being used


def _key(phone_number_id: UUID) -> str:
    return f"token:{phone_number_id}"


def _token(value: bytes) -> SealedToken:
    return SealedToken(UUID(bytes=value[:VERSION_BYTES]), value[VERSION_BYTES:])
