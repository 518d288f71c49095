"""Who is calling, and whether they may call now: what every door asks before anything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from application.ports.clock import Clock
from application.ports.rate_limits import Allowance, Rate, RateLimits
from application.users import Authenticate
from domain.shared import TooFast, Unauthorized
from domain.users import Caller

REQUESTS_PER_MINUTE = 6_000
WRONG_KEYS_PER_ADDRESS = Rate(per_minute=60, burst=60)
SHUT_ADDRESSES_MAX = 10_000


class CallsTooFast(TooFast):
    """The key's calls of a minute are used up, or its address has shown too many wrong keys."""

    code = "rate_limited"

    def __init__(self, detail: str, after_seconds: float, admission: Admission | None = None) -> None:
        super().__init__(detail, after_seconds)
        self.admission = admission


@dataclass(frozen=True, slots=True)
class Admission:
    """A known caller. `rate` and `allowance` tell what their key may still do; the administrator's is not counted."""

    caller: Caller
    rate: Rate | None = None
    allowance: Allowance | None = None


@dataclass(frozen=True, slots=True)
class AdmitCall:
    """Lets a call in: its key must be known, and have calls left.

    From an address that shows wrong key after wrong key none is tried for a while: guessing is slow, and costs no
    look into the database.
    """

    authenticate: Authenticate
    limits: RateLimits
    clock: Clock
    requests_per_minute: int
    shut: dict[str, datetime] = field(default_factory=dict)

    async def __call__(self, spelled: str, address: str) -> Admission:
        """The caller with that key, calling from `address`. Raises Unauthorized or CallsTooFast."""
        self._must_be_open(address)
        try:
            caller = await self.authenticate(spelled)
        except Unauthorized:
            await self._count_wrong_key(address)
            raise
        return Admission(caller) if caller.key_id is None else await self._counted(caller, f"key {caller.key_id}")

    async def _counted(self, caller: Caller, name: str) -> Admission:
        rate = Rate(self.requests_per_minute, self.requests_per_minute)
        allowance = await self.limits.take(name, rate)
        admission = Admission(caller, rate, allowance)
        if allowance.wait_seconds > 0:
            raise CallsTooFast("This key calls too often.", allowance.wait_seconds, admission)
        return admission

    def _must_be_open(self, address: str) -> None:
        until = self.shut.get(address)
        if until is None:
            return
        wait_seconds = (until - self.clock.now()).total_seconds()
        if wait_seconds > 0:
            raise CallsTooFast("Too many wrong keys came from this address.", wait_seconds)
        self.shut.pop(address, None)

    async def _count_wrong_key(self, address: str) -> None:
        allowance = await self.limits.take(f"wrong keys of {address}", WRONG_KEYS_PER_ADDRESS)
        if allowance.wait_seconds > 0:
            if len(self.shut) >= SHUT_ADDRESSES_MAX:
                self.shut.clear()
            self.shut[address] = self.clock.now() + timedelta(seconds=allowance.wait_seconds)
            raise CallsTooFast("Too many wrong keys came from this address.", allowance.wait_seconds)
