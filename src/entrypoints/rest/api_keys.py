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
from domain.users import Caller
from entrypoints.rest.idempotency import Repeatable
from entrypoints.rest.paging import Listing, listing


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """What a key is called."""

    name: str


class KeyView(msgspec.Struct):
    """A key, without what it is made of."""

    id: UUID
    user_id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None


class IssuedKeyView(msgspec.Struct):
    """A key at the only moment it is shown."""

    id: UUID
    user_id: UUID
    name: str
    created_at: datetime
    api_key: str


@post("/users/{user_id:uuid}/api_keys")
async def add_api_key(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    data: JSONBody[NewKey],
    repeatable: NamedDependency[Repeatable],
) -> IssuedKeyView:
    """Add a key."""
    return _issued(await application.users.add_key(caller, user_id, data.name, repeatable.once(_issued)))


@get("/users/{user_id:uuid}/api_keys")
async def list_api_keys(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
) -> Listing[KeyView]:
    """List a user's keys."""
    return listing(KeyView, await application.users.list_keys(caller, user_id, page))


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
    return IssuedKeyView(key.id, key.user_id, key.name, key.created_at, issued.spelled)
