"""When an Instagram token is due for a new one.

Source: Meta's reference of ig_refresh_token. A token lasts sixty days; one that is younger than a day, or has ended,
is not refreshed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

REFRESH_BEFORE_END = timedelta(days=10)
AGE_MIN = timedelta(hours=24)
AGE_MAX_UNKNOWN = timedelta(days=50)
"""Nobody knows when a token ends that was never refreshed here: it is refreshed when we have had it for so long."""
TRIES_APART = timedelta(hours=1)

PAGE_TOKEN_PREFIX = "EAA"  # noqa: S105 - how such tokens begin


def is_due(set_at: datetime, expires_at: datetime | None, now: datetime) -> bool:
    """Whether a token that we have had since `set_at` is to be refreshed."""
    if now - set_at < AGE_MIN:
        return False
    return now - set_at >= AGE_MAX_UNKNOWN if expires_at is None else expires_at - now <= REFRESH_BEFORE_END


def is_refreshable(access_token: str) -> bool:
    """Whether it is a token of Instagram Login; those of Facebook Login do not end and cannot be refreshed."""
    return not access_token.startswith(PAGE_TOKEN_PREFIX)
