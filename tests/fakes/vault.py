"""A vault without locks: what it seals can be read by everyone, its rules are the real one's."""

from __future__ import annotations

import hashlib
from uuid import UUID

from application.ports.vault import SecretUnreadable

HASH_KEY = "plain"


class PlainVault:
    """Writes the owner before the secret instead of encrypting; its key secrets count from one."""

    def __init__(self) -> None:
        self._issued = 0

    def seal(self, secret: str, owner: UUID) -> bytes:
        return owner.bytes + secret.encode()

    def unseal(self, sealed: bytes, owner: UUID) -> str:
        if not sealed.startswith(owner.bytes):
            raise SecretUnreadable("This was sealed for another row.")
        return sealed.removeprefix(owner.bytes).decode()

    def seal_context(self, context: bytes, owner: UUID) -> bytes:
        return owner.bytes + context

    def unseal_context(self, sealed: bytes, owner: UUID) -> bytes:
        if not sealed.startswith(owner.bytes):
            raise SecretUnreadable("This was sealed for another phone number.")
        return sealed.removeprefix(owner.bytes)

    def seal_answer(self, answer: bytes, name: bytes) -> bytes:
        return name + answer

    def unseal_answer(self, sealed: bytes, name: bytes) -> bytes:
        if not sealed.startswith(name):
            raise SecretUnreadable("This was kept under another name.")
        return sealed.removeprefix(name)

    def new_key_secret(self) -> str:
        self._issued += 1
        return f"{self._issued:043}"

    def digest(self, secret: str) -> tuple[bytes, str]:
        return hashlib.sha256(secret.encode()).digest(), HASH_KEY

    def matches(self, secret: str, digest: bytes, hash_key: str) -> bool:
        return (digest, hash_key) == self.digest(secret)
