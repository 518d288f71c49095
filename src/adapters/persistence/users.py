"""Users and their API keys in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg.rows import TupleRow

from adapters.persistence.answers import done_once
from adapters.persistence.database import Database
from adapters.persistence.forgotten_accounts import forget_accounts
from adapters.persistence.pages import fetch_page
from adapters.persistence.refusals import refusals_named
from adapters.persistence.rows import fetched, found
from application.pages import Page, PageRequest
from application.ports.answers import Once
from domain.users import ApiKey, Scope, User

ADD = """
with account as (
    insert into credit_accounts (user_id) values (%(id)s)
), first_key as (
    insert into api_keys (id, user_id, name, digest, hash_key, created_at, scopes)
    values (%(key_id)s, %(id)s, %(key_name)s, %(digest)s, %(hash_key)s, %(key_created_at)s, %(scopes)s)
)
insert into users (id, name, created_at, low_balance_threshold)
values (%(id)s, %(name)s, %(created_at)s, %(low_balance_threshold)s)
returning id, name, created_at, low_balance_threshold
"""
GET = "select id, name, created_at, low_balance_threshold from users where id = %s"
LIST = "select item.id, item.name, item.created_at, item.low_balance_threshold from users item"
CHANGE = """
update users set name = %s, low_balance_threshold = %s where id = %s
returning id, name, created_at, low_balance_threshold
"""

# Whoever is writing for this user holds rows that the cascade would run into from the other side. They are
# locked in the order in which everyone locks, and only then does the user's own row go.
LOCK_PHONE_NUMBERS = "select id from phone_numbers where user_id = %s order by id for no key update"
LOCK_ALL = (
    "select id from customers where user_id = %s order by user_id, type, address for update",
    "select id from conversations where user_id = %s order by phone_number_id, customer_id, id for update",
    "select user_id from credit_accounts where user_id = %s for update",
)
ERASE = "delete from users where id = %s returning id"

ADD_KEY = """
insert into api_keys (id, user_id, name, digest, hash_key, created_at, scopes) values (%s, %s, %s, %s, %s, %s, %s)
returning id, user_id, name, digest, hash_key, created_at, last_used_at, scopes
"""
# A key that is used a hundred times a second must not be written a hundred times a second.
FIND_KEY = """
with noted as (
    update api_keys set last_used_at = now()
    where id = %(id)s and (last_used_at is null or last_used_at <= now() - interval '1 minute')
    returning last_used_at
)
select id, user_id, name, digest, hash_key, created_at, coalesce((select last_used_at from noted), last_used_at),
    scopes
from api_keys where id = %(id)s
"""
LIST_KEYS = """
select item.id, item.user_id, item.name, item.digest, item.hash_key, item.created_at, item.last_used_at,
    item.scopes
from api_keys item
"""
REMOVE_KEY = "delete from api_keys where id = %s and user_id = %s returning id"


class PostgresUsers:
    """Users and keys, one row each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user: User, key: ApiKey, once: Once[User] | None = None) -> User:
        """Add a user; see the port."""
        parameters = {
            "id": user.id,
            "name": user.name,
            "created_at": user.created_at,
            "key_id": key.id,
            "key_name": key.name,
            "digest": key.digest,
            "hash_key": key.hash_key,
            "key_created_at": key.created_at,
            "scopes": sorted(key.scopes),
            "low_balance_threshold": user.low_balance_threshold,
        }

        async def effect() -> User:
            return _user(found(await fetched(connection, ADD, parameters), "user"))

        async with self._database.house.transaction() as connection:
            return await done_once(connection, user.id, once, effect)

    async def get(self, user_id: UUID) -> User:
        """That user; see the port."""
        return _user(found(await self._database.of(user_id).fetch(GET, (user_id,)), "user"))

    async def list(self, page: PageRequest) -> Page[User]:
        """All users; see the port."""
        return await fetch_page(self._database.house, LIST, {}, page, _user)

    async def change(self, user: User) -> User:
        """Store it as it is given; see the port."""
        changed = (user.name, user.low_balance_threshold, user.id)
        return _user(found(await self._database.of(user.id).fetch(CHANGE, changed), "user"))

    async def erase(self, user_id: UUID) -> Sequence[UUID]:
        """Delete the user and everything of theirs; see the port."""
        async with self._database.house.transaction() as connection:
            phone_numbers = await fetched(connection, LOCK_PHONE_NUMBERS, (user_id,))
            for lock in LOCK_ALL:
                await connection.execute(lock, (user_id,))
            await forget_accounts(connection, user_id)
            found(await fetched(connection, ERASE, (user_id,)), "user")
        return [phone_number_id for (phone_number_id,) in phone_numbers]

    async def add_key(self, key: ApiKey, once: Once[ApiKey] | None = None) -> ApiKey:
        """Add one more key; see the port."""
        parameters = (key.id, key.user_id, key.name, key.digest, key.hash_key, key.created_at, sorted(key.scopes))

        async def effect() -> ApiKey:
            return _key(found(await fetched(connection, ADD_KEY, parameters), "user"))

        with refusals_named():
            async with self._database.of(key.user_id).transaction() as connection:
                return await done_once(connection, key.user_id, once, effect)

    async def find_key(self, key_id: UUID) -> ApiKey | None:
        """That key, noted as used; see the port."""
        rows = await self._database.house.fetch(FIND_KEY, {"id": key_id})
        return _key(rows[0]) if rows else None

    async def list_keys(self, user_id: UUID, page: PageRequest) -> Page[ApiKey]:
        """A user's keys; see the port."""
        return await fetch_page(self._database.of(user_id), LIST_KEYS, {"item.user_id = %s": user_id}, page, _key)

    async def remove_key(self, user_id: UUID, key_id: UUID) -> None:
        """Delete a key; see the port."""
        found(await self._database.of(user_id).fetch(REMOVE_KEY, (key_id, user_id)), "API key")


def _user(row: TupleRow) -> User:
    return User(*row)


def _key(row: TupleRow) -> ApiKey:
    id_, user_id, name, digest, hash_key, created_at, last_used_at, scopes = row
    return ApiKey(id_, user_id, name, digest, hash_key, created_at, last_used_at, frozenset(map(Scope, scopes)))
