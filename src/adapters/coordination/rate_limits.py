"""How often somebody may do something, counted in Redis."""

from __future__ import annotations

import hashlib

from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.coordination.script_runner import ScriptRunner
from application.ports.rate_limits import Rate

TAKE = """
-- KEYS: name   ARGV: milliseconds that one costs, milliseconds that may be owed
-- Kept is only when everything will be paid for. Returns how many milliseconds to wait, 0 when it was taken.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + tonumber(ARGV[1])
local wait = paid - now - tonumber(ARGV[2])
if wait > 0 then
    return math.ceil(wait)
end
redis.call('SET', KEYS[1], string.format('%.0f', paid), 'PX', math.ceil(paid - now))
return 0
"""
MINUTE_MILLISECONDS = 60_000


class RedisRateLimits:
    """One key for each name, which ends by itself. Names are hashed: they hold what identifies people."""

    def __init__(self, redis: Redis) -> None:
        self._scripts = ScriptRunner(redis)

    async def wait_seconds(self, name: str, rate: Rate) -> float:
        """Count it, or tell how long to wait; see the port."""
        cost = MINUTE_MILLISECONDS / rate.per_minute
        key = f"rate:{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}"
        try:
            return float(await self._scripts.run(TAKE, [key], (cost, cost * rate.burst))) / 1_000
        except RedisError:
            return 0.0
