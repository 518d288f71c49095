"""The key with which a caller may send the same request twice."""

from __future__ import annotations

from domain.shared import InvalidInput

IDEMPOTENCY_KEY_LENGTH_MAX = 255


def checked_idempotency_key(key: str | None) -> str | None:
    """`key` as it is. Raises InvalidInput when it is empty or too long."""
    if key is not None and not 1 <= len(key) <= IDEMPOTENCY_KEY_LENGTH_MAX:
        raise InvalidInput("Idempotency-Key", f"It must have 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} characters.")
    return key
