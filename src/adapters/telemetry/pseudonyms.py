"""What customers are called in logs: the same each time, and nothing that can be dialled, or guessed without a key."""

from __future__ import annotations

import hashlib
import hmac

PURPOSE = b"names of customers in logs"
HEXADECIMALS = 16


class Pseudonyms:
    """Keyed hashes. They change with the newest encryption key."""

    def __init__(self, encryption_key: str) -> None:
        self._key = hmac.digest(encryption_key.encode(), PURPOSE, hashlib.sha256)

    def of(self, address: str) -> str:
        """The name of that address in logs."""
        return hmac.digest(self._key, address.encode(), hashlib.sha256).hex()[:HEXADECIMALS]
