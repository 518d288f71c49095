"""AES-GCM for what must be read again, a keyed hash for what must only be recognised."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping, Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from application.ports.vault import SecretUnreadable

NONCE_BYTES = 12
NAME_BYTES = 8
BODY_STARTS = NAME_BYTES + NONCE_BYTES


class AesVault:
    """Sealed form: the name of the key (8 bytes), a nonce (12 bytes), then ciphertext and tag.

    Several keys may be given, the newest first: it seals, all of them open. A key may be any string; what
    encrypts and what hashes are derived from it apart, so that neither tells of the other.
    """

    def __init__(self, encryption_keys: Sequence[str]) -> None:
        self._token_ciphers = _ciphers(encryption_keys, b"access-token")
        self._context_ciphers = _ciphers(encryption_keys, b"context")
        self._answer_ciphers = _ciphers(encryption_keys, b"answer")
        self._peppers = {_name(key).hex(): _derived(key, b"api-key") for key in encryption_keys}
        self._newest = _name(encryption_keys[0])

    def seal(self, secret: str, owner: UUID) -> bytes:
        """Encrypt for one row; see the port."""
        return self._sealed(self._token_ciphers, secret.encode(), owner.bytes)

    def unseal(self, sealed: bytes, owner: UUID) -> str:
        """Decrypt for that row; see the port."""
        return _opened(self._token_ciphers, sealed, owner.bytes, "access token").decode()

    def seal_context(self, context: bytes, owner: UUID) -> bytes:
        """Encrypt for that phone number; see the port."""
        return self._sealed(self._context_ciphers, context, owner.bytes)

    def unseal_context(self, sealed: bytes, owner: UUID) -> bytes:
        """Decrypt for that phone number; see the port."""
        return _opened(self._context_ciphers, sealed, owner.bytes, "entry of the cache")

    def seal_answer(self, answer: bytes, name: bytes) -> bytes:
        """Encrypt for that name; see the port."""
        return self._sealed(self._answer_ciphers, answer, name)

    def unseal_answer(self, sealed: bytes, name: bytes) -> bytes:
        """Decrypt for that name; see the port."""
        return _opened(self._answer_ciphers, sealed, name, "answer")

    def new_key_secret(self) -> str:
        """The secret half of a new API key; see the port."""
        return secrets.token_urlsafe(32)

    def digest(self, secret: str) -> tuple[bytes, str]:
        """Hash the secret of an API key; see the port."""
        name = self._newest.hex()
        return hmac.digest(self._peppers[name], secret.encode(), hashlib.sha256), name

    def matches(self, secret: str, digest: bytes, hash_key: str) -> bool:
        """Compare with a stored hash; see the port."""
        pepper = self._peppers.get(hash_key)
        return pepper is not None and hmac.compare_digest(hmac.digest(pepper, secret.encode(), hashlib.sha256), digest)

    def _sealed(self, ciphers: Mapping[bytes, AESGCM], content: bytes, bound_to: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return self._newest + nonce + ciphers[self._newest].encrypt(nonce, content, bound_to)


def _opened(ciphers: Mapping[bytes, AESGCM], sealed: bytes, bound_to: bytes, thing: str) -> bytes:
    name, nonce, body = sealed[:NAME_BYTES], sealed[NAME_BYTES:BODY_STARTS], sealed[BODY_STARTS:]
    cipher = ciphers.get(bytes(name))
    if cipher is None:
        raise SecretUnreadable(f"An {thing} was sealed with a key that is not in ENCRYPTION_KEYS.")
    try:
        return cipher.decrypt(nonce, body, bound_to)
    except (InvalidTag, ValueError) as error:  # ValueError: the nonce was cut short
        raise SecretUnreadable(f"An {thing} does not belong to its row.") from error


def _ciphers(encryption_keys: Sequence[str], purpose: bytes) -> Mapping[bytes, AESGCM]:
    return {_name(key): AESGCM(_derived(key, purpose)) for key in encryption_keys}


def _derived(key: str, purpose: bytes) -> bytes:
    return hmac.digest(key.encode(), purpose, hashlib.sha256)


def _name(key: str) -> bytes:
    return _derived(key, b"name")[:NAME_BYTES]
