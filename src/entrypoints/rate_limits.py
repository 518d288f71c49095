"""What an answer tells of its caller's rate limit: the RateLimit fields of the IETF's draft, at both doors."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from application.admission import Admission

MINUTE_SECONDS = 60


def limit_fields(admission: Admission) -> Sequence[tuple[str, str]]:
    """Names and values; none for a caller who is not counted."""
    if not admission.rate or not admission.allowance:
        return ()
    left, seconds = admission.allowance.left, ceil(admission.allowance.full_seconds)
    return (
        ("ratelimit-policy", f'"key";q={admission.rate.burst};w={MINUTE_SECONDS}'),
        ("ratelimit", f'"key";r={left};t={seconds}'),
    )
