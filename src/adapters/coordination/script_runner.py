"""Lua scripts over one connection: whatever is called at the same time travels together."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from adapters.gatherer import Gatherer

CALLS_MAX = 256


@dataclass(frozen=True, slots=True)
class _Call:
    script: str
    keys: Sequence[str]
    arguments: Sequence[Any]


class ScriptRunner:
    """Runs scripts by their digest. A server that has forgotten one is given it again."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._gathered = Gatherer(self._run_all, items_max=CALLS_MAX)

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:  # noqa: ANN401
        """What the script answers. Raises RedisError."""
        answer = await self._gathered.one(_Call(script, keys, arguments))
        if isinstance(answer, RedisError):
            raise answer
        return answer

    async def _run_all(self, calls: list[_Call]) -> list[Any]:
        answers = await self._pipelined(calls)
        forgotten = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if forgotten:
            await asyncio.gather(*(self._redis.script_load(script) for script in {calls[p].script for p in forgotten}))
            again = await self._pipelined([calls[place] for place in forgotten])
            for place, answer in zip(forgotten, again, strict=True):
                answers[place] = answer
        return answers

    async def _pipelined(self, calls: list[_Call]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.evalsha(_digest(call.script), len(call.keys), *call.keys, *call.arguments)
            return await pipeline.execute(raise_on_error=False)


def _digest(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
