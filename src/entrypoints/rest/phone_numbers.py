"""``/users/{user_id}/phone_numbers``: connected channels. A token goes in and never comes out."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from application.app import Application
from application.channels.manage_phone_numbers import NewPhoneNumber, SettingsChanges
from application.pages import PageRequest
from domain.channels import ChannelStatus, ChannelType, PhoneNumber, Template
from domain.users import Caller
from entrypoints.rest.bodies import given, view
from entrypoints.rest.idempotency import Repeatable
from entrypoints.rest.paging import Listing, listing


class TemplateBody(msgspec.Struct, forbid_unknown_fields=True):
    """A message the platform has approved: its name and language code."""

    name: str
    language: str


class SettingsBody(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How a phone number is to behave; what is absent stays, or is as by default."""

    shows_typing: bool | UnsetType = UNSET
    template: TemplateBody | UnsetType | None = UNSET
    hears_stop: bool | UnsetType = UNSET
    stop_words: tuple[str, ...] | UnsetType = UNSET
    start_words: tuple[str, ...] | UnsetType = UNSET
    human_pause_minutes: int | UnsetType = UNSET
    unreadable_sentence: str | UnsetType | None = UNSET


class SettingsView(msgspec.Struct):
    """How a phone number behaves."""

    shows_typing: bool
    template: TemplateBody | None
    hears_stop: bool
    stop_words: tuple[str, ...]
    start_words: tuple[str, ...]
    human_pause_minutes: int
    unreadable_sentence: str | None


class PhoneNumberBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is told of a channel when it is connected."""

    type: ChannelType
    display_name: str | None = None
    number: str | None = None
    meta_phone_number_id: str | None = None
    instagram_account_id: str | None = None
    access_token: str | None = None
    allowed_origins: tuple[str, ...] = ()
    settings: SettingsBody = msgspec.field(default_factory=SettingsBody)


class PhoneNumberPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What may change. A token replaces the old one; it, or the status `active`, lets a stopped number go on."""

    display_name: str | UnsetType | None = UNSET
    number: str | UnsetType | None = UNSET
    access_token: str | UnsetType = UNSET
    allowed_origins: tuple[str, ...] | UnsetType = UNSET
    settings: SettingsBody | UnsetType = UNSET
    status: Literal["active"] | UnsetType = UNSET


class PhoneNumberView(msgspec.Struct):
    """A phone number."""

    id: UUID
    user_id: UUID
    type: ChannelType
    display_name: str | None
    number: str | None
    meta_phone_number_id: str | None
    instagram_account_id: str | None
    status: ChannelStatus
    status_detail: dict[str, Any] | None
    token_expires_at: datetime | None
    allowed_origins: tuple[str, ...]
    settings: SettingsView
    created_at: datetime


class NoticeView(msgspec.Struct):
    """What the platform told of an account; `field` is its name of it, and `content` as it came."""

    id: UUID
    field: str
    account: str | None
    business: str | None
    content: dict[str, Any]
    occurred_at: datetime
    created_at: datetime


@post("/users/{user_id:uuid}/phone_numbers")
async def add_phone_number(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    data: JSONBody[PhoneNumberBody],
    repeatable: NamedDependency[Repeatable],
) -> PhoneNumberView:
    """Connect a channel."""
    told = msgspec.structs.asdict(data) | {"settings": _settings(data.settings)}
    new = NewPhoneNumber(**told)
    return _view(await application.phone_numbers.add(caller, user_id, new, repeatable.once(_view)))


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
    """Change what is given, and rotate the token if one is; a token or the status lets what waits go on."""
    changes = given(data)
    if "settings" in changes:
        changes["settings"] = _settings(changes["settings"])
    token, resumes = changes.pop("access_token", None), changes.pop("status", None) is not None
    changed = await application.phone_numbers.change(
        caller, user_id, phone_number_id, token, resumes=resumes, **changes
    )
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


@get("/users/{user_id:uuid}/phone_numbers/{phone_number_id:uuid}/notices")
async def list_notices(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    phone_number_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
) -> Listing[NoticeView]:
    """List what the platform told of a phone number's account, and of the account above it."""
    return listing(NoticeView, await application.channel_health.notices(caller, user_id, phone_number_id, page))


def _settings(body: SettingsBody) -> SettingsChanges:
    """What of the settings is named. Raises InvalidInput."""
    changes = given(body)
    if changes.get("template") is not None:
        changes["template"] = Template(changes["template"].name, changes["template"].language)
    return cast("SettingsChanges", changes)


routes = [
    add_phone_number,
    list_phone_numbers,
    show_phone_number,
    change_phone_number,
    remove_phone_number,
    list_notices,
]


def _view(phone_number: PhoneNumber) -> PhoneNumberView:
    return view(PhoneNumberView, phone_number)
