"""What may not be kept in the clear."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID


class SecretUnreadable(Exception):
    """No key of ours opens this secret, or it was moved here from another row."""


class Vault(Protocol):
    """Seals access tokens, contexts and answers for the row they belong to, and hashes API keys."""

    def seal(self, secret: str, owner: UUID) -> bytes:
        """`secret` encrypted, bound to `owner`: copied to another row it cannot be opened."""
        ...

    def unseal(self, sealed: bytes, owner: UUID) -> str:
        """The secret. Raises SecretUnreadable when no key of ours opens it, or `owner` is another."""
        ...

    def seal_context(self, context: bytes, owner: UUID) -> bytes:
        """What turns must know, encrypted, bound to its phone number; by another key than access tokens are."""
        ...

    def unseal_context(self, sealed: bytes, owner: UUID) -> bytes:
        """The context. Raises SecretUnreadable when no key of ours opens it, or `owner` is another."""
        ...

    def seal_answer(self, answer: bytes, name: bytes) -> bytes:
        """An answer encrypted, bound to the name it is kept under; by another key than access tokens are."""
        ...

    def unseal_answer(self, sealed: bytes, name: bytes) -> bytes:
        """The answer. Raises SecretUnreadable when no key of ours opens it, or it was kept under another name."""
        ...

    def new_key_secret(self) -> str:
        """The secret half of a new API key: 43 URL-safe characters, 256 bits of chance."""
        ...

    def digest(self, secret: str) -> tuple[bytes, str]:
        """The keyed hash (32 bytes) of an API key's secret, and the name of the key that made it."""
        ...

    def matches(self, secret: str, digest: bytes, hash_key: str) -> bool:
        """Whether `digest` was made of `secret`, compared in constant time."""
        ...
