"""New tokens for old ones, before those end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AgeingToken:
    """A token that is due, sealed, and whose it is. `version` as in the token cache."""

    phone_number_id: UUID
    user_id: UUID
    version: UUID
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The platform gave a new token."""

    access_token: str
    lasts_seconds: float


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """The platform knows the token no more: a person has to connect the account again."""

    detail: str


@dataclass(frozen=True, slots=True)
class NotRefreshed:
    """Nothing came of it this time; the old token is what it was."""

    detail: str


class AgeingTokens(Protocol):
    """The tokens in the store that are due; see domain.tokens."""

    async def claim(self) -> AgeingToken | None:
        """One that is due, for the caller alone: it is not given out again for TRIES_APART. None when there is none.

        Tokens that the platform has refused already are left to their owners.
        """
        ...

    async def keep(self, token: AgeingToken, sealed: bytes, lasts_seconds: float) -> bool:
        """Put a new one in its place; False when the owner has set another meanwhile, which stays."""
        ...


class TokenIssuer(Protocol):
    """The platform's side."""

    async def refresh(self, access_token: str) -> Refreshed | TokenRefused | NotRefreshed:
        """Ask for a new token. Every failure is one of the outcomes."""
        ...
