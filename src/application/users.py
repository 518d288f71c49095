"""Users, their API keys, and who is calling."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack
from uuid import UUID

from application.forgetting import forget_channel
from application.pages import Page, PageRequest
from application.ports.answers import Once, completed_by
from application.ports.clock import Clock, Ids
from application.ports.context_cache import ContextCache
from application.ports.registry import Users
from application.ports.turn_queue import TurnQueue
from application.ports.vault import Vault
from domain.credits import checked_threshold
from domain.shared import Unauthorized, checked_name
from domain.users import (
    ALL_SCOPES,
    ApiKey,
    Caller,
    Scope,
    User,
    checked_scopes,
    parsed_key,
    spelled_key,
)


class UserChanges(TypedDict, total=False):
    """What may change about a user; what is absent stays."""

    name: str
    low_balance_threshold: int | None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key at the only moment it is shown: `spelled` is what its owner must keep."""

    key: ApiKey
    spelled: str


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Tells who is calling, from the key they show."""

    users: Users
    vault: Vault
    admin_api_key: str

    async def __call__(self, spelled: str) -> Caller:
        """The caller with that key. Raises Unauthorized."""
        if hmac.compare_digest(spelled.encode(), self.admin_api_key.encode()):
            return Caller(None)
        parsed = parsed_key(spelled)
        key = parsed and await self.users.find_key(parsed[0])
        if not (parsed and key and self.vault.matches(parsed[1], key.digest, key.hash_key)):
            raise Unauthorized("This key is not known.")
        return Caller(key.user_id, key.scopes, key.id)


@dataclass(frozen=True, slots=True)
class ManageUsers:
    """The businesses of this deployment, and their keys."""

    users: Users
    contexts: ContextCache
    queue: TurnQueue
    vault: Vault
    clock: Clock
    ids: Ids

    async def add(
        self, caller: Caller, name: str, once: Once[tuple[User, IssuedKey]] | None = None
    ) -> tuple[User, IssuedKey]:
        """Add a user, with its first key. Raises Forbidden or InvalidInput, and as Answers says."""
        caller.must_be_admin()
        user = User(self.ids.new(), checked_name(name), self.clock.now())
        issued = self._issue(user.id, "first key", ALL_SCOPES)
        return await self.users.add(user, issued.key, completed_by(once, lambda added: (added, issued))), issued

    async def get(self, caller: Caller, user_id: UUID) -> User:
        """That user. Raises NotFound."""
        caller.must_read(user_id)
        return await self.users.get(user_id)

    async def list(self, caller: Caller, page: PageRequest) -> Page[User]:
        """All users. Raises Forbidden."""
        caller.must_be_admin()
        return await self.users.list(page)

    async def change(self, caller: Caller, user_id: UUID, **changes: Unpack[UserChanges]) -> User:
        """Change what is given. Raises NotFound or InvalidInput."""
        caller.must_write(user_id)
        if "name" in changes:
            changes["name"] = checked_name(changes["name"])
        if "low_balance_threshold" in changes:
            changes["low_balance_threshold"] = checked_threshold(changes["low_balance_threshold"])
        return await self.users.change(replace(await self.users.get(user_id), **changes))

    async def erase(self, caller: Caller, user_id: UUID) -> None:
        """Delete the user and everything of theirs. Raises NotFound."""
        caller.must_manage(user_id)
        for phone_number_id in await self.users.erase(user_id):
            await forget_channel(self.contexts, self.queue, phone_number_id)

    async def add_key(
        self,
        caller: Caller,
        user_id: UUID,
        name: str,
        scopes: Sequence[Scope] = tuple(Scope),
        once: Once[IssuedKey] | None = None,
    ) -> IssuedKey:
        """One more key. Raises NotFound, InvalidInput, ScopeMissing for too much, and as Answers says."""
        caller.must_manage(user_id)
        wanted = checked_scopes(scopes)
        caller.must_hold(wanted)
        issued = self._issue(user_id, checked_name(name), wanted)
        await self.users.add_key(issued.key, completed_by(once, lambda _: issued))
        return issued

    async def list_keys(self, caller: Caller, user_id: UUID, page: PageRequest) -> Page[ApiKey]:
        """The user's keys, without what they are made of."""
        caller.must_manage(user_id)
        return await self.users.list_keys(user_id, page)

    async def remove_key(self, caller: Caller, user_id: UUID, key_id: UUID) -> None:
        """Delete a key: it opens nothing from now on. Raises NotFound."""
        caller.must_manage(user_id)
        await self.users.remove_key(user_id, key_id)

    def _issue(self, user_id: UUID, name: str, scopes: frozenset[Scope]) -> IssuedKey:
        secret = self.vault.new_key_secret()
        digest, hash_key = self.vault.digest(secret)
        key = ApiKey(self.ids.new(), user_id, name, digest, hash_key, self.clock.now(), scopes=scopes)
        return IssuedKey(key, spelled_key(key.id, secret))
