"""What an answer tells of its caller's rate limit: the RateLimit fields of the IETF's draft."""

from __future__ import annotations

from math import ceil

from litestar.types import Message, Scope

from application.admission import Admission

MINUTE_SECONDS = 60
_KEY = "admission"


def tell_limits_of(scope: Scope, admission: Admission) -> None:
    """Whatever this request is answered will say how much its key has left."""
    scope.setdefault("state", {})[_KEY] = admission


async def add_rate_limit_headers(message: Message, scope: Scope) -> None:
    """Litestar's hook on everything that is sent."""
    admission: Admission | None = scope.get("state", {}).get(_KEY)
    if message["type"] != "http.response.start" or not admission or not admission.rate or not admission.allowance:
        return
    left, seconds = admission.allowance.left, ceil(admission.allowance.full_seconds)
    message["headers"] = [
        *message["headers"],
        (b"ratelimit-policy", b'"key";q=%d;w=%d' % (admission.rate.burst, MINUTE_SECONDS)),
        (b"ratelimit", b'"key";r=%d;t=%d' % (left, seconds)),
    ]
