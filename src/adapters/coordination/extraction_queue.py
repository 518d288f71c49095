"""Wake-ups for runs of the extraction, in a list of their own."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.coordination.script_runner import ScriptRunner
from domain.shared import Unavailable

WAKE_UPS_MAX = 64

WAKE = """
-- KEYS: the list of wake-ups; ARGV: the wake-up, how many are wanted, how many may lie in the list
-- A wake-up is a hint. With nobody to hear them they must not pile up.
local missing = math.min(tonumber(ARGV[2]), tonumber(ARGV[3])) - redis.call('llen', KEYS[1])
for _ = 1, missing do
    redis.call('rpush', KEYS[1], ARGV[1])
end
return math.max(missing, 0)
"""


class RedisExtractionQueue:
    """`wake_up` is the message that a worker's consumer understands; it lands in the list `key`."""

    def __init__(self, redis: Redis, key: str, wake_up: bytes) -> None:
        self._key = key
        self._wake_up = wake_up
        self._scripts = ScriptRunner(redis)

    async def wake(self, workers: int) -> None:
        """Let workers look; see the port."""
        try:
            await self._scripts.run(WAKE, [self._key], [self._wake_up, workers, WAKE_UPS_MAX])
        except RedisError as error:
            raise Unavailable("Redis does not answer.") from error
