"""Users (the businesses), their API keys, and who is calling."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.shared import Forbidden, InvalidInput, NotFound

KEY_SHAPE = re.compile(r"fd_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


class Scope(StrEnum):
    """What a key may do with its user's things: see them; change and spend too; give out keys and erase too."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class User:
    """A business that uses Frontdesk. Somebody is told when fewer credits than `low_balance_threshold` are available.

    None is nobody.
    """

    id: UUID
    name: str
    created_at: datetime
    low_balance_threshold: int | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a user's key: only `digest`, which the house's key `hash_key` made of it."""

    id: UUID
    user_id: UUID
    name: str
    digest: bytes
    hash_key: str
    created_at: datetime
    last_used_at: datetime | None = None
    scopes: frozenset[Scope] = ALL_SCOPES


class ScopeMissing(Forbidden):
    """The key is the right user's, but may not do this."""

    code = "scope_missing"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: the administrator (`user_id` is None) or one user, with a key that has these scopes."""

    user_id: UUID | None
    scopes: frozenset[Scope] = ALL_SCOPES
    key_id: UUID | None = None

    @property
    def is_admin(self) -> bool:
        """Whether the caller showed the admin key."""
        return self.user_id is None

    def must_be_admin(self) -> None:
        """Raise Forbidden unless the caller is the administrator."""
        if not self.is_admin:
            raise Forbidden("Only the admin key may do this.")

    def must_read(self, user_id: UUID) -> None:
        """Raise unless the caller may see that user's things; see `_must_reach`."""
        self._must_reach(user_id, Scope.READ)

    def must_write(self, user_id: UUID) -> None:
        """Raise unless the caller may change and spend what is that user's; see `_must_reach`."""
        self._must_reach(user_id, Scope.WRITE)

    def must_manage(self, user_id: UUID) -> None:
        """Raise unless the caller may give out keys and erase people and the user; see `_must_reach`."""
        self._must_reach(user_id, Scope.ADMIN)

    def _must_reach(self, user_id: UUID, wanted: Scope) -> None:
        """Raise NotFound for another user's things, which do not exist here, and ScopeMissing for what is too much."""
        if self.is_admin:
            return
        if self.user_id != user_id:
            raise NotFound("user")
        if not self.scopes & _SUFFICIENT[wanted]:
            raise ScopeMissing(f"This needs a key with the scope {wanted}.")

    def must_hold(self, scopes: frozenset[Scope]) -> None:
        """Raise ScopeMissing unless the caller's own key has all of these: none gives out more than it has."""
        if missing := scopes - self.scopes:
            named = ", ".join(sorted(missing))
            raise ScopeMissing(f"A key can only give out scopes it has itself; it has not: {named}.")


def checked_scopes(scopes: Sequence[Scope]) -> frozenset[Scope]:
    """`scopes` as a set. Raises InvalidInput when there are none, or one is named twice."""
    if not scopes:
        raise InvalidInput("scopes", "It must name at least one scope.")
    if len(set(scopes)) < len(scopes):
        raise InvalidInput("scopes", "It must name each scope once.")
    return frozenset(scopes)


_SUFFICIENT = {
    Scope.READ: ALL_SCOPES,
    Scope.WRITE: frozenset({Scope.WRITE, Scope.ADMIN}),
    Scope.ADMIN: frozenset({Scope.ADMIN}),
}


def spelled_key(key_id: UUID, secret: str) -> str:
    """The key as its owner writes it: ``fd_<id>_<secret>``, the secret being 43 URL-safe characters."""
    return f"fd_{key_id.hex}_{secret}"


def parsed_key(key: str) -> tuple[UUID, str] | None:
    """The id and the secret of a key, or None for anything that was never one of ours."""
    match = KEY_SHAPE.fullmatch(key)
    return (UUID(match[1]), match[2]) if match else None
