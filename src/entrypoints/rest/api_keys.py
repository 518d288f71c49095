"""``/users/{user_id}/api_keys``: a user's keys. A key is shown once, at its birth."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from application.app import Application
from application.pages import PageRequest
from application.users import IssuedKey
from domain.users import ApiKey, Caller, Scope
from entrypoints.rest.idempotency import Repeatable
from entrypoints.rest.paging import Listing


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """What a key is called, and what it may do; without `scopes`, everything."""

    name: str
    scopes: list[Scope] = msgspec.field(default_factory=lambda: list(Scope))


class KeyView(msgspec.Struct):
    """A key, without what it is made of."""

    id: UUID
    user_id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None
    scopes: list[Scope]


class IssuedKeyView(msgspec.Struct):
    """A key at the only moment it is shown."""

    id: UUID
    user_id: UUID
    name: str
    created_at: datetime
    scopes: list[Scope]
    api_key: str


@post("/users/{user_id:uuid}/api_keys")
async def add_api_key(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    data: JSONBody[NewKey],
    repeatable: NamedDependency[Repeatable],
) -> IssuedKeyView:
    """Add a key, with scopes that the caller's own key has; several at once make it possible to change them in turn."""
    once = repeatable.once(_issued)
    return _issued(await application.users.add_key(caller, user_id, data.name, data.scopes, once))


@get("/users/{user_id:uuid}/api_keys")
async def list_api_keys(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
) -> Listing[KeyView]:
    """List a user's keys."""
    keys = await application.users.list_keys(caller, user_id, page)
    return Listing([_view(key) for key in keys.items], keys.next_cursor)


@delete("/users/{user_id:uuid}/api_keys/{api_key_id:uuid}")
async def remove_api_key(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    api_key_id: FromPath[UUID],
) -> None:
    """Delete a key: it opens nothing from now on."""
    await application.users.remove_key(caller, user_id, api_key_id)


routes = [add_api_key, list_api_keys, remove_api_key]


def _issued(issued: IssuedKey) -> IssuedKeyView:
    key = issued.key
    return IssuedKeyView(key.id, key.user_id, key.name, key.created_at, _in_order(key), issued.spelled)


def _view(key: ApiKey) -> KeyView:
    return KeyView(key.id, key.user_id, key.name, key.created_at, key.last_used_at, _in_order(key))


def _in_order(key: ApiKey) -> list[Scope]:
    return [scope for scope in Scope if scope in key.scopes]
