"""Sealed contexts in Redis: one key for each phone number, the version and the time of reading before the context."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from struct import Struct
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from application.ports.context_cache import ContextCacheUnavailable, SealedContext

HEAD = Struct(">16sI")
"""The version, and when it was read, in whole seconds since the epoch."""
CLAIM_MILLISECONDS = 1_000
"""How long others wait for who reads: many times what that takes, and what a dead reader costs them at most."""
CARRIED_SECONDS = 5.0
"""How long what a claim brought is at hand: a turn begins within a moment. Its version keeps an old one from use."""
NOTHING = (0.0, None)
LOOK_SECONDS = 0.005
LOOKS_MAX = round(CLAIM_MILLISECONDS / 1_000 / LOOK_SECONDS)


class RedisContextCache:
    """Keeps what is put or used for `seconds`. Out of reach, it keeps nothing.

    What a claim from the queue brought along is at hand in this process for the turns that begin with it.
    """

    def __init__(self, redis: Redis, seconds: float) -> None:
        self._redis = redis
        self.milliseconds = round(seconds * 1_000)
        self._carried: dict[UUID, tuple[float, object]] = {}

    def carry(self, phone_number_id: UUID, value: object) -> None:
        """Have at hand what Redis keeps of that phone number, as a claim brought it."""
        now = asyncio.get_running_loop().time()
        self._carried.pop(phone_number_id, None)
        self._carried[phone_number_id] = now + CARRIED_SECONDS, value
        while self._carried[oldest := next(iter(self._carried))][0] <= now:  # all last equally long: in their order
            del self._carried[oldest]

    async def get(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedContext]:
        """What is at hand; see the port."""
        carried = _wanted(versions, [self._carried.get(number, NOTHING)[1] for number in versions])
        return {**carried, **await self._kept({number: versions[number] for number in versions.keys() - carried})}

    async def _kept(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedContext]:
        if not versions:
            return {}
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for number in versions:
                    pipeline.getex(context_key(number), px=self.milliseconds)
                values = await pipeline.execute()
        except RedisError as error:
            raise ContextCacheUnavailable("Redis does not answer.") from error
        return _wanted(versions, values)

    async def claim(self, versions: Mapping[UUID, UUID]) -> Collection[UUID]:
        """Those that nobody reads yet; see the port.

        What is at hand is looked at once more behind the claim: somebody may have put it, and ended theirs, just then.
        """
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for number in versions:
                    pipeline.set(_claim(number), b"", px=CLAIM_MILLISECONDS, nx=True)
                pipeline.mget([context_key(number) for number in versions])
                *taken, values = await pipeline.execute()
        except RedisError:
            return versions.keys()
        put = _wanted(versions, values)
        return [number for number, is_ours in zip(versions, taken, strict=True) if is_ours and number not in put]

    async def wait(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedContext]:
        """What others put; see the port."""
        claims, keys = [_claim(number) for number in versions], [context_key(number) for number in versions]
        try:
            for _ in range(LOOKS_MAX):
                async with self._redis.pipeline(transaction=False) as pipeline:
                    pipeline.exists(*claims)
                    pipeline.mget(keys)
                    are_claimed, values = await pipeline.execute()
                put = _wanted(versions, values)
                if not are_claimed or len(put) == len(versions):
                    break
                await asyncio.sleep(LOOK_SECONDS)
        except RedisError:
            return {}
        return put

    async def put(self, contexts: Mapping[UUID, SealedContext]) -> None:
        """Keep contexts; see the port."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for number, context in contexts.items():
                    head = HEAD.pack(context.version.bytes, int(context.read_at.timestamp()))
                    pipeline.set(context_key(number), head + context.sealed, px=self.milliseconds)
                    pipeline.delete(_claim(number))
                await pipeline.execute()
        except RedisError:
            return

    async def drop(self, phone_number_id: UUID) -> None:
        """Forget a context; see the port."""
        self._carried.pop(phone_number_id, None)
        try:
            await self._redis.delete(context_key(phone_number_id))
        except RedisError:
            return  # the version in the store keeps it from being used


def context_key(phone_number_id: UUID) -> str:
    """Where the context of a phone number lies."""
    return f"context:{phone_number_id}"


def _claim(phone_number_id: UUID) -> str:
    return f"context:{phone_number_id}:claim"


def _wanted(versions: Mapping[UUID, UUID], values: Sequence[object]) -> Mapping[UUID, SealedContext]:
    kept = {number: _context(value) for number, value in zip(versions, values, strict=True)}
    return {number: context for number, context in kept.items() if context and context.version == versions[number]}


def _context(value: object) -> SealedContext | None:
    if not isinstance(value, bytes) or len(value) < HEAD.size:
        return None
    version, read_at = HEAD.unpack_from(value)
    return SealedContext(UUID(bytes=version), value[HEAD.size :], datetime.fromtimestamp(read_at, UTC))
