"""The quick duplicate filter in Redis: a mark per delivered thing, under a hash of its name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.coordination.script_runner import ScriptRunner
from adapters.coordination.scripts import MARK, SEEN


class RedisDuplicateFilter:
    """Marks last `seconds`. Names are hashed: they hold what the platforms call people."""

    def __init__(self, redis: Redis, seconds: float) -> None:
        self._scripts = ScriptRunner(redis)
        self._milliseconds = round(seconds * 1_000)

    async def known(self, names: Sequence[str]) -> Sequence[bool]:
        """Whether each name was remembered; see the port."""
        try:
            return [bool(seen) for seen in await self._scripts.run(SEEN, _keys(names), ())]
        except RedisError:
            return [False] * len(names)

    async def remember(self, names: Sequence[str]) -> None:
        """Remember the names; see the port."""
        if self._milliseconds == 0:
            return
        try:
            await self._scripts.run(MARK, _keys(names), (self._milliseconds,))
        except RedisError:
            return  # the unique index knows them too


def _keys(names: Sequence[str]) -> list[str]:
    return [f"seen:{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}" for name in names]
