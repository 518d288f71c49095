"""Webhook bodies as Meta writes and signs them."""

import hashlib
import hmac
import json

from entrypoints.simulators.answers import JsonValue


def meta_json(value: JsonValue) -> bytes:
    """JSON in pure ASCII, without blanks, with every slash escaped: the bytes that Meta signs."""
    # A slash can stand only inside a string, so escaping it afterwards cannot break anything.
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def signature(body: bytes, secret: str) -> str:
    """The value of X-Hub-Signature-256 for exactly these bytes."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
