"""Users (the businesses), their API keys, and who is calling."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.shared import Forbidden, NotFound

KEY_SHAPE = re.compile(r"fd_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class User:
    """A business that uses Frontdesk."""

    id: UUID
    name: str
    created_at: datetime


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


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: the administrator (`user_id` is None) or one user."""

    user_id: UUID | None

    @property
    def is_admin(self) -> bool:
        """Whether the caller showed the admin key."""
        return self.user_id is None

    def must_be_admin(self) -> None:
        """Raise Forbidden unless the caller is the administrator."""
        if not self.is_admin:
            raise Forbidden("Only the admin key may do this.")

    def must_own(self, user_id: UUID) -> None:
        """Raise NotFound unless the caller is that user or the administrator: others' things do not exist."""
        if not self.is_admin and self.user_id != user_id:
            raise NotFound("user")


def spelled_key(key_id: UUID, secret: str) -> str:
    """The key as its owner writes it: ``fd_<id>_<secret>``, the secret being 43 URL-safe characters."""
    return f"fd_{key_id.hex}_{secret}"


def parsed_key(key: str) -> tuple[UUID, str] | None:
    """The id and the secret of a key, or None for anything that was never one of ours."""
    match = KEY_SHAPE.fullmatch(key)
    return (UUID(match[1]), match[2]) if match else None
