"""``/users/{user_id}/phone_numbers``: connected channels. A token goes in and never comes out."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from application.app import Application
from application.channels.manage_phone_numbers import NewPhoneNumber
from application.pages import PageRequest
from domain.channels import ChannelType
from domain.users import Caller
from entrypoints.rest.bodies import given, view
from entrypoints.rest.paging import Listing, listing


class PhoneNumberBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is told of a channel when it is connected."""

    type: ChannelType
    display_name: str | None = None
    number: str | None = None
    meta_phone_number_id: str | None = None
    instagram_account_id: str | None = None
    access_token: str | None = None
    allowed_origins: tuple[str, ...] = ()


class PhoneNumberPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What may change; a token replaces the old one."""

    display_name: str | UnsetType | None = UNSET
    number: str | UnsetType | None = UNSET
    access_token: str | UnsetType = UNSET
    allowed_origins: tuple[str, ...] | UnsetType = UNSET


class PhoneNumberView(msgspec.Struct):
    """A phone number."""

    id: UUID
    user_id: UUID
    type: ChannelType
    display_name: str | None
    number: str | None
    meta_phone_number_id: str | None
    instagram_account_id: str | None
    status: str
    created_at: datetime


@post("/users/{user_id:uuid}/phone_numbers")
async def add_phone_number(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    data: JSONBody[PhoneNumberBody],
) -> PhoneNumberView:
    """Connect a channel."""
    new = NewPhoneNumber(**msgspec.structs.asdict(data))
    return view(PhoneNumberView, await application.phone_numbers.add(caller, user_id, new))


@get("/users/{user_id:uuid}/phone_numbers")
async def list_phone_numbers(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
) -> Listing[PhoneNumberView]:
    """List a user's phone numbers."""
    return listing(PhoneNumberView, await application.phone_numbers.list(caller, user_id, page))


@get("/users/{user_id:uuid}/phone_numbers/{phone_number_id:uuid}")
async def show_phone_number(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    phone_number_id: FromPath[UUID],
) -> PhoneNumberView:
    """Show a phone number."""
    return view(PhoneNumberView, await application.phone_numbers.get(caller, user_id, phone_number_id))


@patch("/users/{user_id:uuid}/phone_numbers/{phone_number_id:uuid}")
async def change_phone_number(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    phone_number_id: FromPath[UUID],
    data: JSONBody[PhoneNumberPatch],
) -> PhoneNumberView:
    """Change what is given, and rotate the token if one is."""
    changes = given(data)
    token = changes.pop("access_token", None)
    changed = await application.phone_numbers.change(caller, user_id, phone_number_id, token, **changes)
    return view(PhoneNumberView, changed)


@delete("/users/{user_id:uuid}/phone_numbers/{phone_number_id:uuid}")
async def remove_phone_number(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    phone_number_id: FromPath[UUID],
) -> None:
    """Disconnect a channel and delete its conversations."""
    await application.phone_numbers.remove(caller, user_id, phone_number_id)


routes = [add_phone_number, list_phone_numbers, show_phone_number, change_phone_number, remove_phone_number]
