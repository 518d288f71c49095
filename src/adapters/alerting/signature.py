"""Signatures of outgoing webhooks, as Standard Webhooks describes them: receivers find libraries that check them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"


class WebhookSignature:
    """Signs with each of the keys (`whsec_` and base64): a receiver may change from one to another at its own time."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [base64.b64decode(secret.removeprefix(PREFIX), validate=True) for secret in secrets]

    def headers(self, id_: str, timestamp: int, body: bytes) -> Mapping[str, str]:
        """The headers for a body that is sent at `timestamp`, in seconds since 1970."""
        signed = f"{id_}.{timestamp}.".encode() + body
        signatures = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in self._keys]
        named = {"webhook-id": id_, "webhook-timestamp": str(timestamp)}
        return named | ({"webhook-signature": " ".join(f"v1,{one}" for one in signatures)} if signatures else {})
