"""Phone numbers, and what arrives on them: a customer's messages, and receipts for ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.shared import InvalidInput

TOKEN = re.compile(r"[!-~]{1,4096}")


class ChannelType(StrEnum):
    """What kind of channel a phone number is; an Instagram account or a web chat is a phone number too."""

    WHATSAPP = "whatsapp"
    INSTAGRAM = "instagram"
    WEBCHAT = "webchat"


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """One connected channel of a user. Its access token is kept apart, encrypted, and never leaves."""

    id: UUID
    user_id: UUID
    type: ChannelType
    display_name: str | None
    number: str | None
    meta_phone_number_id: str | None
    instagram_account_id: str | None
    allowed_origins: tuple[str, ...]
    status: str
    created_at: datetime

    def __post_init__(self) -> None:
        """Raise InvalidInput when the platform's id does not fit the type."""
        self._must_name("meta_phone_number_id", ChannelType.WHATSAPP)
        self._must_name("instagram_account_id", ChannelType.INSTAGRAM)

    def _must_name(self, field_name: str, type_: ChannelType) -> None:
        if self.type is type_ and not getattr(self, field_name):
            raise InvalidInput(field_name, f"A phone number of type {type_} needs it.")
        if self.type is not type_ and getattr(self, field_name):
            raise InvalidInput(field_name, f"Only a phone number of type {type_} has it.")


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What a customer wrote, as the platform delivered it.

    `account` is the platform's id of the phone number it was written to, `address` what the platform
    calls the customer. `text` is None for kinds that carry none.
    """

    channel: ChannelType
    account: str
    address: str
    name: str | None
    platform_message_id: str
    type: str
    text: str | None
    written_at: datetime

    @property
    def name_of_delivery(self) -> str:
        """What is the same when the platform delivers this message again."""
        return f"message {self.channel} {self.account} {self.platform_message_id}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the platform says became of a message of ours.

    `message_id` is ours, as it travelled with the send and came back; None when the platform did not
    return it. `status` is one of ``sent``, ``delivered``, ``read``, ``failed``.
    """

    channel: ChannelType
    account: str
    platform_message_id: str
    message_id: UUID | None
    status: str
    at: datetime
    error: dict[str, Any] | None = None

    @property
    def name_of_delivery(self) -> str:
        """What is the same when the platform delivers this receipt again."""
        return f"receipt {self.channel} {self.account} {self.platform_message_id} {self.status}"


@dataclass(slots=True)
class Delivery:
    """One webhook delivery as it is read: everything in it that concerns us, in the order it was written.

    `ignored` counts the elements that were well formed but concern nobody here, `unreadable` those
    that were not what the platform documents. Neither spoils the rest.
    """

    messages: list[InboundMessage] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    ignored: int = 0
    unreadable: int = 0


def checked_token(access_token: str) -> str:
    """`access_token` as it is. Raises InvalidInput unless it can travel in a request's header."""
    if not TOKEN.fullmatch(access_token):
        raise InvalidInput("access_token", "It must be 1 to 4096 printable ASCII characters without blanks.")
    return access_token
