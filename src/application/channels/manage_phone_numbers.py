"""Connecting a business's channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack
from uuid import UUID

from application.channels.accept_webhook import admit_stored
from application.pages import Page, PageRequest
from application.ports.clock import Clock, Ids
from application.ports.inbox import Inbox
from application.ports.registry import PhoneNumbers
from application.ports.turn_queue import TurnQueue
from application.ports.vault import Vault
from domain.channels import ChannelType, PhoneNumber, checked_token
from domain.shared import checked_name, checked_text
from domain.users import Caller
from domain.webchat import checked_origin

UNCLAIMED_BATCH = 1_000
ACCOUNT_LENGTH_MAX = 100


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


class PhoneNumberChanges(TypedDict, total=False):
    """What may change about a phone number; what is absent stays."""

    display_name: str | None
    number: str | None
    allowed_origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ManagePhoneNumbers:
    """A user's phone numbers. Adding one brings in what was written to it before."""

    phone_numbers: PhoneNumbers
    vault: Vault
    inbox: Inbox
    queue: TurnQueue
    clock: Clock
    ids: Ids

    async def add(self, caller: Caller, user_id: UUID, new: NewPhoneNumber) -> PhoneNumber:
        """Connect a channel. Raises NotFound, InvalidInput, or Conflict when its account is connected already."""
        caller.must_own(user_id)
        phone_number = PhoneNumber(
            id=self.ids.new(),
            user_id=user_id,
            type=new.type,
            display_name=_optional_name(new.display_name, "display_name"),
            number=_optional_text(new.number, "number", 40),
            meta_phone_number_id=_optional_text(new.meta_phone_number_id, "meta_phone_number_id", ACCOUNT_LENGTH_MAX),
            instagram_account_id=_optional_text(new.instagram_account_id, "instagram_account_id", ACCOUNT_LENGTH_MAX),
            allowed_origins=tuple(checked_origin(origin) for origin in new.allowed_origins),
            status="active",
            created_at=self.clock.now(),
        )
        added = await self.phone_numbers.add(phone_number, self._sealed(new.access_token, phone_number.id))
        await admit_stored(self.queue, await self.inbox.claim_unclaimed(UNCLAIMED_BATCH))
        return added

    async def get(self, caller: Caller, user_id: UUID, phone_number_id: UUID) -> PhoneNumber:
        """That phone number. Raises NotFound."""
        caller.must_own(user_id)
        return await self.phone_numbers.get(user_id, phone_number_id)

    async def list(self, caller: Caller, user_id: UUID, page: PageRequest) -> Page[PhoneNumber]:
        """The user's phone numbers."""
        caller.must_own(user_id)
        return await self.phone_numbers.list(user_id, page)

    async def change(
        self,
        caller: Caller,
        user_id: UUID,
        phone_number_id: UUID,
        access_token: str | None,
        **changes: Unpack[PhoneNumberChanges],
    ) -> PhoneNumber:
        """Change what is given; a token replaces the old one. Raises NotFound or InvalidInput."""
        caller.must_own(user_id)
        if "display_name" in changes:
            changes["display_name"] = _optional_name(changes["display_name"], "display_name")
        if "number" in changes:
            changes["number"] = _optional_text(changes["number"], "number", 40)
        if "allowed_origins" in changes:
            changes["allowed_origins"] = tuple(checked_origin(origin) for origin in changes["allowed_origins"])
        phone_number = await self.phone_numbers.get(user_id, phone_number_id)
        changed = replace(phone_number, **changes)
        return await self.phone_numbers.change(changed, self._sealed(access_token, phone_number_id))

    async def remove(self, caller: Caller, user_id: UUID, phone_number_id: UUID) -> None:
        """Disconnect the channel and delete its conversations. Raises NotFound."""
        caller.must_own(user_id)
        await self.phone_numbers.remove(user_id, phone_number_id)

    def _sealed(self, access_token: str | None, phone_number_id: UUID) -> bytes | None:
        if access_token is None:
            return None
        return self.vault.seal(checked_token(access_token), phone_number_id)


def _optional_name(name: str | None, field: str) -> str | None:
    return None if name is None else checked_name(name, field)


def _optional_text(text: str | None, field: str, length_max: int) -> str | None:
    return None if text is None else checked_text(text, field, length_max)
