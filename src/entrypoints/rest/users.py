"""``/users``: the businesses of this deployment."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from application.app import Application
from application.pages import PageRequest
from application.users import IssuedKey
from domain.users import Caller, User
from entrypoints.rest.bodies import given, view
from entrypoints.rest.idempotency import Repeatable
from entrypoints.rest.paging import Listing, listing


class UserBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is told of a new user."""

    name: str


class UserPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What may change; an alert is open while fewer credits than `low_balance_threshold` are available."""

    name: str | UnsetType = UNSET
    low_balance_threshold: int | UnsetType | None = UNSET


class UserView(msgspec.Struct):
    """A user."""

    id: UUID
    name: str
    created_at: datetime
    low_balance_threshold: int | None


class NewUserView(UserView):
    """A user with its first key, which is shown this once."""

    api_key: str


@post("/users")
async def add_user(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    data: JSONBody[UserBody],
    repeatable: NamedDependency[Repeatable],
) -> NewUserView:
    """Add a user (admin)."""
    return _new_user(await application.users.add(caller, data.name, repeatable.once(_new_user)))


@get("/users")
async def list_users(
    application: NamedDependency[Application], caller: NamedDependency[Caller], page: NamedDependency[PageRequest]
) -> Listing[UserView]:
    """List all users (admin)."""
    return listing(UserView, await application.users.list(caller, page))


@get("/users/{user_id:uuid}")
async def show_user(
    application: NamedDependency[Application], caller: NamedDependency[Caller], user_id: FromPath[UUID]
) -> UserView:
    """Show a user."""
    return view(UserView, await application.users.get(caller, user_id))


@patch("/users/{user_id:uuid}")
async def change_user(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    data: JSONBody[UserPatch],
) -> UserView:
    """Change what is given."""
    return view(UserView, await application.users.change(caller, user_id, **given(data)))


@delete("/users/{user_id:uuid}")
async def erase_user(
    application: NamedDependency[Application], caller: NamedDependency[Caller], user_id: FromPath[UUID]
) -> None:
    """Erase a user with everything of theirs."""
    await application.users.erase(caller, user_id)


routes = [add_user, list_users, show_user, change_user, erase_user]


def _new_user(added: tuple[User, IssuedKey]) -> NewUserView:
    user, issued = added
    return NewUserView(user.id, user.name, user.created_at, user.low_balance_threshold, issued.spelled)
