"""The quick duplicate filter in Redis: a mark per delivered thing, under a hash of its name."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.coordination.script_runner import ScriptRunner
from adapters.coordination.scripts import SEEN
from adapters.gatherer import Gatherer

BATCH_MAX = 512
MARKS_MAX = 10_000
"""So many wait for the next question, which comes with the next delivery; what is beyond that is forgotten."""


class RedisDuplicateFilter:
    """Marks last `seconds`. Names are hashed: they hold what the platforms call people.

    What is asked at the same time is one command, and what is to be remembered travels with the next question: this
    process knows it at once, others from then on.
    """

    def __init__(self, redis: Redis, seconds: float) -> None:
        self._scripts = ScriptRunner(redis)
        self._seconds = seconds
        self._ends: dict[str, float] = {}
        self._questions = Gatherer(self._ask, items_max=BATCH_MAX)

    async def known(self, names: Sequence[str]) -> Sequence[bool]:
        """Whether each name was remembered; see the port."""
        try:
            return await self._questions.all([_key(name) for name in names])
        except RedisError:
            return [False] * len(names)

    async def remember(self, names: Sequence[str]) -> None:
        """Remember the names; see the port."""
        if self._seconds > 0 and len(self._ends) + len(names) <= MARKS_MAX:
            self._ends |= dict.fromkeys(map(_key, names), _now() + self._seconds)

    async def _ask(self, keys: list[str]) -> Sequence[bool]:
        left = {mark: round((end - _now()) * 1_000) for mark, end in self._ends.items()}
        self._ends.clear()
        marks = {mark: milliseconds for mark, milliseconds in left.items() if milliseconds > 0}
        arguments = (len(marks), *marks.values())
        return [bool(seen) for seen in await self._scripts.run(SEEN, [*marks, *keys], arguments)]


def _now() -> float:
    return asyncio.get_running_loop().time()


def _key(name: str) -> str:
    return f"seen:{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}"
