"""Phone numbers, and what arrives on them: a customer's messages, and receipts for ours."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.shared import InvalidInput, checked_text

TOKEN = re.compile(r"[ -~]{1,4096}")
TEMPLATE_NAME = re.compile(r"[a-z0-9_]{1,512}")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})?")
PAUSE_MINUTES_MAX = 43_200
"""Thirty days."""
WORDS_MAX = 100
WORD_LENGTH_MAX = 50
SENTENCE_LENGTH_MAX = 1_000


class ChannelType(StrEnum):
    """What kind of channel a phone number is; an Instagram account or a web chat is a phone number too."""

    WHATSAPP = "whatsapp"
    INSTAGRAM = "instagram"
    WEBCHAT = "webchat"

    @property
    def needs_token(self) -> bool:
        """Whether a platform stands between us and the customer, which takes messages for a token only."""
        return self is not ChannelType.WEBCHAT


class ChannelStatus(StrEnum):
    """Whether a phone number answers. `UNAUTHORIZED`: its token is refused; `PARKED`: the platform stopped it."""

    ACTIVE = "active"
    UNAUTHORIZED = "unauthorized"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Template:
    """A message the platform has approved, for customers whose window has closed: its name and language code."""

    name: str
    language: str

    def __post_init__(self) -> None:
        """Raise InvalidInput for what no approved message can be called."""
        if not TEMPLATE_NAME.fullmatch(self.name):
            raise InvalidInput("settings.template.name", "It must be 1 to 512 of a-z, 0-9 and _.")
        if not LANGUAGE.fullmatch(self.language):
            raise InvalidInput("settings.template.language", "It must be a code such as en or pt_BR.")


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """How a phone number behaves.

    `shows_typing`: the customer sees that their message was read and is being answered. `template` is sent where the
    window for free text has closed. `hears_stop`: STOP and START are obeyed; `stop_words` and `start_words` count
    beside the known ones. `human_pause_minutes` is how long the agent is silent after a person answered.
    `unreadable_sentence` stands for a file that the model cannot take; None is the house's own sentence.
    """

    shows_typing: bool = True
    template: Template | None = None
    hears_stop: bool = True
    stop_words: tuple[str, ...] = ()
    start_words: tuple[str, ...] = ()
    human_pause_minutes: int = 720
    unreadable_sentence: str | None = None

    def __post_init__(self) -> None:
        """Raise InvalidInput that names the first setting that is wrong."""
        _check_words(self.stop_words, "settings.stop_words")
        _check_words(self.start_words, "settings.start_words")
        if not 0 <= self.human_pause_minutes <= PAUSE_MINUTES_MAX:
            raise InvalidInput("settings.human_pause_minutes", f"It must be from 0 to {PAUSE_MINUTES_MAX}.")
        if self.unreadable_sentence is not None:
            _check_said(self.unreadable_sentence, "settings.unreadable_sentence", SENTENCE_LENGTH_MAX)


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """One connected channel of a user. Its access token is kept apart, encrypted, and never leaves.

    `status_detail` is the platform's account of a status that is not active. `token_expires_at` is None as long as
    nobody has told.
    """

    id: UUID
    user_id: UUID
    type: ChannelType
    display_name: str | None
    number: str | None
    meta_phone_number_id: str | None
    instagram_account_id: str | None
    allowed_origins: tuple[str, ...]
    status: ChannelStatus
    created_at: datetime
    settings: ChannelSettings = field(default_factory=ChannelSettings)
    status_detail: dict[str, Any] | None = None
    token_expires_at: datetime | None = None

    def __post_init__(self) -> None:
        """Raise InvalidInput when the platform's id does not fit the type."""
        self._must_name("meta_phone_number_id", ChannelType.WHATSAPP)
        self._must_name("instagram_account_id", ChannelType.INSTAGRAM)

    def _must_name(self, field_name: str, type_: ChannelType) -> None:
        if self.type is type_ and not getattr(self, field_name):
            raise InvalidInput(field_name, f"A phone number of type {type_} needs it.")
        if self.type is not type_ and getattr(self, field_name):
            raise InvalidInput(field_name, f"Only a phone number of type {type_} has it.")


class MediumKind(StrEnum):
    """What a file that somebody sent is, in the words of the platforms."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    VOICE = "voice"
    DOCUMENT = "document"
    STICKER = "sticker"


@dataclass(frozen=True, slots=True)
class Medium:
    """A file that came with a message, as the platform names it: by an id to ask for, or by a `url` that soon ends.

    `sha256` is in hexadecimal, as far as the platform tells.
    """

    kind: MediumKind
    platform_id: str | None = None
    url: str | None = None
    mime_type: str | None = None
    sha256: str | None = None
    filename: str | None = None


MADE = "made:"
"""How an id begins that we gave to a message because the platform gave it none."""


def made_id(told: bytes) -> str:
    """An id for what the platform gave none: the same for the same words, however often they are delivered."""
    return MADE + hashlib.blake2b(told, digest_size=16).hexdigest()


def is_made(platform_message_id: str | None) -> bool:
    """Whether the id is ours: the platform would not know it."""
    return platform_message_id is not None and platform_message_id.startswith(MADE)


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What a customer wrote, as the platform delivered it.

    `platform_message_id` is the platform's, or `made_id` where it told none. `account` is the platform's id of the
    phone number it was written to, `address` what the platform calls the customer now, `aliases` what else it calls
    them. `text` is None for kinds that carry none; what is more than text stands in `content` (see domain.contents) and
    `media`. `business` is the account above the phone number. `is_standby`: somebody else holds the thread, and the
    message is only shown to us.
    """

    channel: ChannelType
    account: str
    address: str
    name: str | None
    platform_message_id: str
    type: str
    text: str | None
    written_at: datetime
    aliases: tuple[str, ...] = ()
    username: str | None = None
    content: dict[str, Any] | None = None
    media: tuple[Medium, ...] = ()
    business: str | None = None
    is_standby: bool = False

    @property
    def name_of_delivery(self) -> str:
        """What is the same when the platform delivers this message again."""
        return f"message {self.channel} {self.account} {self.platform_message_id}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the platform says became of a message of ours.

    `message_id` is ours, as it travelled with the send and came back; None when the platform did not
    return it. `status` is one of ``sent``, ``delivered``, ``read``, ``failed``. `question_id` is the message that ours
    answers, as it travelled along.
    """

    channel: ChannelType
    account: str
    platform_message_id: str
    message_id: UUID | None
    status: str
    at: datetime
    error: dict[str, Any] | None = None
    pricing: dict[str, Any] | None = None
    question_id: UUID | None = None

    @property
    def name_of_delivery(self) -> str:
        """What is the same when the platform delivers this receipt again."""
        return f"receipt {self.channel} {self.account} {self.platform_message_id} {self.status}"


@dataclass(frozen=True, slots=True)
class Echo:
    """A message of the business's own that came back: what a person wrote elsewhere, or on Instagram what we sent.

    `address` is the customer's. `is_ours` is True or False where the platform tells, None where it does not.
    """

    channel: ChannelType
    account: str
    address: str
    platform_message_id: str
    type: str
    text: str | None
    written_at: datetime
    aliases: tuple[str, ...] = ()
    content: dict[str, Any] | None = None
    is_ours: bool | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A customer changed or took back a message. `text` is the new one, None when nothing is left of it."""

    channel: ChannelType
    account: str
    platform_message_id: str
    text: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """A customer is called something else from now on: a new telephone number or user id."""

    channel: ChannelType
    account: str
    before: str
    after: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """What is about the account or the thread and no message: kept and shown as the channel's health, never answered.

    `field` is the platform's name of it. `account` is the phone number's where the platform tells, `business` the
    account above it. `content` is as it came.
    """

    channel: ChannelType
    account: str | None
    business: str | None
    field: str
    content: dict[str, Any]
    at: datetime


@dataclass(slots=True)
class Delivery:
    """One webhook delivery as it is read: everything in it that concerns us, in the order it was written.

    `ignored` counts the elements that were well formed but concern nobody here, `unreadable` those
    that were not what the platform documents. Neither spoils the rest.
    """

    messages: list[InboundMessage] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    echoes: list[Echo] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    ignored: int = 0
    unreadable: int = 0


def _check_words(words: tuple[str, ...], field_name: str) -> None:
    if len(words) > WORDS_MAX:
        raise InvalidInput(field_name, f"It must have at most {WORDS_MAX} words.")
    for word in words:
        _check_said(word, field_name, WORD_LENGTH_MAX)


def _check_said(text: str, field_name: str, length_max: int) -> None:
    if not checked_text(text, field_name, length_max).strip():
        raise InvalidInput(field_name, "It must not be blank.")


def checked_token(access_token: str) -> str:
    """`access_token` as it is. Raises InvalidInput unless it can travel in a request's header."""
    if not TOKEN.fullmatch(access_token):
        raise InvalidInput("access_token", "It must be 1 to 4096 printable ASCII characters.")
    return access_token
