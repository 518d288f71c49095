"""How often somebody may do something, counted in Redis."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.coordination.script_runner import ScriptRunner
from application.ports.rate_limits import Allowance, Rate

# Whoever has much left is given some more than was asked for, so that a busy process need not ask each time; what is
# left shrinks and the gift with it, so that the last ones are counted one by one.
TAKE = """
-- KEYS: name   ARGV: microseconds that one costs, microseconds that may be owed, how many are wanted
-- The key holds until when everything taken is paid for. Returns microseconds to wait, how many were taken, how many
-- more could be, and microseconds until all is paid.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local cost, owed_max = tonumber(ARGV[1]), tonumber(ARGV[2])
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local free = math.floor((owed_max - (paid - now)) / cost + 0.000001)
if free < 1 then
    return {math.max(math.ceil(paid + cost - now - owed_max), 1), 0, 0, math.ceil(paid - now)}
end
local taken = math.min(free, math.max(tonumber(ARGV[3]), math.min(16, math.floor(free / 128))))
paid = paid + taken * cost
redis.call('SET', KEYS[1], string.format('%.0f', paid), 'PX', math.ceil((paid - now) / 1000))
return {0, taken, free - taken, math.ceil(paid - now)}
"""
MINUTE_MICROSECONDS = 60_000_000
SECOND_MICROSECONDS = 1_000_000
GIFT_SECONDS = 1.0
"""How long what was given beyond the asking may be used."""
REST_SECONDS = 1.0
"""How long nobody is asked after Redis could not be: a caller is not to wait for it each time."""
NAMES_MAX = 10_000

log = structlog.get_logger()


@dataclass(slots=True)
class _Share:
    """What this process knows of one name: how many it may still use, or until when it must not."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    own: int = 0
    left: int = 0
    ends_at: float = 0.0
    full_at: float = 0.0
    closed_until: float = 0.0

    def is_known(self, now: float) -> bool:
        """Whether Redis need not be asked."""
        return now < self.closed_until or (self.own > 0 and now < self.ends_at)

    def taken(self, now: float) -> Allowance:
        full_seconds = max(0.0, self.full_at - now)
        if now < self.closed_until:
            return Allowance(self.closed_until - now, 0, full_seconds)
        self.own -= 1
        return Allowance(0.0, self.left + self.own, full_seconds)


class RedisRateLimits:
    """One key for each name, which ends by itself. Names are hashed: they hold what identifies people.

    What is used is never more than what Redis has counted; a process that falls silent may leave unused, for a
    second, less than a hundredth of what a name had left.
    """

    def __init__(self, redis: Redis) -> None:
        self._scripts = ScriptRunner(redis)
        self._shares: dict[str, _Share] = {}
        self._ask_again_at = 0.0
        self._is_away = False

    async def take(self, name: str, rate: Rate) -> Allowance:
        """Count it, or tell how long to wait; see the port."""
        share = self._share_of(name)
        share.waiting += 1
        try:
            async with share.lock:  # whoever comes meanwhile is counted in the same call
                return await self._taken(share, name, rate)
        finally:
            share.waiting -= 1

    async def _taken(self, share: _Share, name: str, rate: Rate) -> Allowance:
        now = asyncio.get_running_loop().time()
        if not share.is_known(now):
            answer = await self._asked(name, rate, share.waiting, now)
            if answer is None:
                return Allowance(0.0, rate.burst, 0.0)
            now = asyncio.get_running_loop().time()
            _note(share, answer, now)
        return share.taken(now)

    async def _asked(self, name: str, rate: Rate, wanted: int, now: float) -> list[int] | None:
        """What Redis says, or None when it says nothing: then everything is allowed, and told once."""
        if now < self._ask_again_at:
            return None
        cost = MINUTE_MICROSECONDS / rate.per_minute
        key = f"rate:{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}"
        try:
            answer: list[int] = await self._scripts.run(TAKE, [key], (cost, cost * rate.burst, wanted))
        except RedisError as error:
            self._ask_again_at = asyncio.get_running_loop().time() + REST_SECONDS
            if not self._is_away:
                log.warning("rate_limits_not_counted", reason=type(error).__name__)
            self._is_away = True
            return None
        self._is_away = False
        return answer

    def _share_of(self, name: str) -> _Share:
        if len(self._shares) > NAMES_MAX:  # forgetting loses gifts of a second at most
            self._shares.clear()
        return self._shares.setdefault(name, _Share())


def _note(share: _Share, answer: list[int], now: float) -> None:
    wait, share.own, share.left, full = answer
    share.ends_at = now + GIFT_SECONDS
    share.full_at = now + full / SECOND_MICROSECONDS
    share.closed_until = now + wait / SECOND_MICROSECONDS if wait else 0.0
