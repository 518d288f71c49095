"""Connecting a business's channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack
from uuid import UUID

from application.channels.accept_webhook import admit_stored
from application.forgetting import forget_channel
from application.pages import Page, PageRequest
from application.ports.alerts import Alerts
from application.ports.answers import Once
from application.ports.clock import Clock, Ids
from application.ports.context_cache import ContextCache
from application.ports.inbox import Inbox
from application.ports.registry import PhoneNumbers
from application.ports.turn_queue import TurnQueue
from application.ports.turns import Turns, WaitingFilter
from application.ports.vault import Vault
from application.requeue import requeue
from domain.channels import ChannelSettings, ChannelStatus, ChannelType, PhoneNumber, Template, checked_token
from domain.monitoring import AlertKind
from domain.shared import InvalidInput, checked_name, checked_text
from domain.users import Caller
from domain.webchat import checked_origin

UNCLAIMED_BATCH = 1_000
ACCOUNT_LENGTH_MAX = 100


class SettingsChanges(TypedDict, total=False):
    """Which of a phone number's settings change; what is absent stays as it is, or as it is by default."""

    shows_typing: bool
    template: Template | None
    hears_stop: bool
    stop_words: tuple[str, ...]
    start_words: tuple[str, ...]
    human_pause_minutes: int
    unreadable_sentence: str | None


@dataclass(frozen=True, slots=True)
class NewPhoneNumber:
    """What is told of a channel when it is connected."""

    type: ChannelType
    display_name: str | None = None
    number: str | None = None
    meta_phone_number_id: str | None = None
    instagram_account_id: str | None = None
    access_token: str | None = None
    allowed_origins: Sequence[str] = ()
    settings: SettingsChanges = field(default_factory=SettingsChanges)


class PhoneNumberChanges(TypedDict, total=False):
    """What may change about a phone number; what is absent stays."""

    display_name: str | None
    number: str | None
    allowed_origins: tuple[str, ...]
    settings: SettingsChanges


@dataclass(frozen=True, slots=True)
class ManagePhoneNumbers:
    """A user's phone numbers. Adding one brings in what was written to it before."""

    phone_numbers: PhoneNumbers
    contexts: ContextCache
    vault: Vault
    inbox: Inbox
    turns: Turns
    queue: TurnQueue
    alerts: Alerts
    clock: Clock
    ids: Ids

    async def add(
        self, caller: Caller, user_id: UUID, new: NewPhoneNumber, once: Once[PhoneNumber] | None = None
    ) -> PhoneNumber:
        """Connect a channel. Raises NotFound, InvalidInput, or Conflict when its account is connected already.

        Raises as Answers says too.
        """
        caller.must_write(user_id)
        phone_number = PhoneNumber(
            id=self.ids.new(),
            user_id=user_id,
            type=new.type,
            display_name=_optional_name(new.display_name, "display_name"),
            number=_optional_text(new.number, "number", 40),
            meta_phone_number_id=_optional_text(new.meta_phone_number_id, "meta_phone_number_id", ACCOUNT_LENGTH_MAX),
            instagram_account_id=_optional_text(new.instagram_account_id, "instagram_account_id", ACCOUNT_LENGTH_MAX),
            allowed_origins=tuple(checked_origin(origin) for origin in new.allowed_origins),
            status=ChannelStatus.ACTIVE,
            created_at=self.clock.now(),
            settings=replace(ChannelSettings(), **new.settings),
        )
        added = await self.phone_numbers.add(phone_number, self._sealed(new.access_token, phone_number.id), once)
        await admit_stored(self.queue, await self.inbox.claim_unclaimed(UNCLAIMED_BATCH))
        return added

    async def get(self, caller: Caller, user_id: UUID, phone_number_id: UUID) -> PhoneNumber:
        """That phone number. Raises NotFound."""
        caller.must_read(user_id)
        return await self.phone_numbers.get(user_id, phone_number_id)

    async def list(self, caller: Caller, user_id: UUID, page: PageRequest) -> Page[PhoneNumber]:
        """The user's phone numbers."""
        caller.must_read(user_id)
        return await self.phone_numbers.list(user_id, page)

    async def change(
        self,
        caller: Caller,
        user_id: UUID,
        phone_number_id: UUID,
        access_token: str | None,
        *,
        resumes: bool = False,
        **changes: Unpack[PhoneNumberChanges],
    ) -> PhoneNumber:
        """Change what is given; a token replaces the old one. Raises NotFound or InvalidInput.

        With a new token, or by `resumes`, a phone number that was stopped answers again, and what waited is queued.
        """
        caller.must_write(user_id)
        phone_number = await self.phone_numbers.get(user_id, phone_number_id)
        changed = _changed(phone_number, changes)
        sealed = self._sealed(access_token, phone_number_id)
        stored = await self.phone_numbers.change(changed, sealed, resumes=resumes)
        if sealed is not None:
            await self.contexts.drop(phone_number_id)
        if sealed is not None or resumes:
            await self._resume(phone_number_id)
        return stored

    async def _resume(self, phone_number_id: UUID) -> None:
        """Its causes for alarm have ended; what waits is queued in the order in which it came."""
        for kind in (AlertKind.ACCESS_REFUSED, AlertKind.CHANNEL_PARKED):
            await self.alerts.resolve(kind, str(phone_number_id))
        await requeue(self.turns, self.queue, WaitingFilter(phone_number_id=phone_number_id))

    async def remove(self, caller: Caller, user_id: UUID, phone_number_id: UUID) -> None:
        """Disconnect the channel and delete its conversations. Raises NotFound."""
        caller.must_write(user_id)
        await self.phone_numbers.remove(user_id, phone_number_id)
        await forget_channel(self.contexts, self.queue, phone_number_id)

    def _sealed(self, access_token: str | None, phone_number_id: UUID) -> bytes | None:
        if access_token is None:
            return None
        return self.vault.seal(checked_token(access_token), phone_number_id)


def _changed(phone_number: PhoneNumber, changes: PhoneNumberChanges) -> PhoneNumber:
    if "display_name" in changes:
        phone_number = replace(phone_number, display_name=_optional_name(changes["display_name"], "display_name"))
    if "number" in changes:
        phone_number = replace(phone_number, number=_optional_text(changes["number"], "number", 40))
    if "allowed_origins" in changes:
        origins = tuple(checked_origin(origin) for origin in changes["allowed_origins"])
        phone_number = replace(phone_number, allowed_origins=origins)
    return replace(phone_number, settings=replace(phone_number.settings, **changes.get("settings", {})))


def _optional_name(name: str | None, field: str) -> str | None:
    return None if name is None else checked_name(name, field)


def _optional_text(text: str | None, field: str, length_max: int) -> str | None:
    if text is not None and not checked_text(text, field, length_max).strip():
        raise InvalidInput(field, "It must not be empty.")
    return text
