"""Sessions as signed words: nothing is stored, and a key of the house that is dropped ends what it has signed."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from domain.webchat import Session

SIGNATURE_BYTES = 32
TOKEN_LENGTH_MAX = 2_048


class _Claims(msgspec.Struct, array_like=True):
    web_chat_id: UUID
    visitor: str
    name: str | None
    expires: int


class SignedChatSessions:
    """Signature (32 bytes), then the claims as JSON, all in base64. The newest key signs, all of them recognise."""

    def __init__(self, encryption_keys: Sequence[str]) -> None:
        self._keys = [hmac.digest(key.encode(), b"chat-session", hashlib.sha256) for key in encryption_keys]

    def token_of(self, session: Session) -> str:
        """The session as a token; see the port."""
        expires = round(session.expires_at.timestamp())
        claims = msgspec.json.encode(_Claims(session.web_chat_id, session.visitor, session.name, expires))
        return urlsafe_b64encode(hmac.digest(self._keys[0], claims, hashlib.sha256) + claims).decode().rstrip("=")

    def session_of(self, token: str) -> Session | None:
        """The session of a token; see the port."""
        signed = _decoded(token)
        signature, claims = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
        if not any(hmac.compare_digest(hmac.digest(key, claims, hashlib.sha256), signature) for key in self._keys):
            return None
        read = msgspec.json.decode(claims, type=_Claims)
        return Session(read.web_chat_id, read.visitor, read.name, datetime.fromtimestamp(read.expires, UTC))


def _decoded(token: str) -> bytes:
    try:
        return urlsafe_b64decode(token[:TOKEN_LENGTH_MAX] + "=" * (-len(token) % 4))
    except ValueError:
        return b""
