"""Access tokens at hand: sealed, for some minutes, and never instead of a newer one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SealedToken:
    """A token as it is stored. `version` is another one after every change, and never comes again."""

    version: UUID
    sealed: bytes


class TokenCache(Protocol):
    """May forget anything at any moment. Whoever asks knows from the store which version is the right one."""

    async def get(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedToken]:
        """The tokens of these phone numbers that are at hand in exactly these versions."""
        ...

    async def put(self, tokens: Mapping[UUID, SealedToken]) -> None:
        """Keep tokens by their phone numbers."""
        ...

    async def drop(self, phone_number_id: UUID) -> None:
        """Forget the token of that phone number: it was changed or removed."""
        ...
