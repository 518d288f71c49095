"""Conversations, their messages, and the turn: one answer to one or more messages of a customer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.channels import InboundMessage, is_made
from domain.loops import Line
from domain.media import StoredMedium
from domain.windows import Heard

CRASHES_MAX = 3
"""A turn that so many workers did not survive is set aside."""

ANSWERABLE_TYPES = frozenset(
    {
        *("text", "image", "video", "audio", "voice", "document", "sticker", "location", "contacts"),
        *("button", "interactive", "order", "postback", "ephemeral"),
        *(
            "file",
            "share",
            "story_mention",
            "ig_reel",
            "reel",
            "ig_post",
            "ig_story",
            "like_heart",
            "template",
            "fallback",
        ),
    }
)
"""The kinds of inbound message an agent answers, in the platforms' words: of both, and those only Instagram has.

Whatever else comes (a reaction, an edit, what the platform cannot show, a kind of tomorrow) is stored.
"""
CIRCUMSTANCES = frozenset({"reply_to", "forwarded", "referral", "group", "errors"})
"""Keys of a message's content that tell where it came from, or why it is not there, and nothing of what it says."""


class LaneScope(StrEnum):
    """What is answered strictly one after the other: each conversation, or everything on a phone number."""

    CONVERSATION = "conversation"
    PHONE_NUMBER = "phone_number"


class ConversationStatus(StrEnum):
    """A conversation is active until it is archived; the customer's next message then opens another."""

    ACTIVE = "active"
    ARCHIVED = "archived"


class PauseReason(StrEnum):
    """Why an agent is silent in a conversation."""

    BY_HAND = "by_hand"
    HUMAN_REPLIED = "human_replied"
    AUTO_REPLIER = "auto_replier"


class InboundStatus(StrEnum):
    """What became of a customer's message."""

    RECEIVED = "received"
    ANSWERED = "answered"
    UNANSWERABLE = "unanswerable"
    BLOCKED = "blocked"


class OutboundStatus(StrEnum):
    """What became of a message of ours, in the words of the platforms."""

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"


OUTBOUND_ORDER = tuple(OutboundStatus)
"""A status never goes backwards in this order. `failed` stands before `delivered`: a platform that reports
a failure and then a delivery has delivered."""


class TurnStatus(StrEnum):
    """Where a turn stands. `undecided`: the platform may or may not have accepted the reply."""

    OPEN = "open"
    ANSWERED = "answered"
    UNANSWERABLE = "unanswerable"
    UNDECIDED = "undecided"
    FAILED = "failed"


class UnansweredReason(StrEnum):
    """Why a message got no answer: exactly one reason for each, in words a business understands."""

    TYPE = "type_not_answered"
    REFUSED = "model_refused"
    INCOMPLETE = "model_incomplete"
    MODEL_FAILED = "model_failed"
    EMPTY = "model_empty"
    TOOL_CALL = "model_called_a_tool"
    DEADLINE = "deadline_passed"
    AGENT_GONE = "agent_removed"
    UNCONNECTED = "phone_number_without_token"
    SEND_FAILED = "send_failed"
    NO_CREDIT = "insufficient_credits"
    SET_ASIDE = "set_aside"
    WAITED_TOO_LONG = "waited_too_long"
    WINDOW_CLOSED = "window_closed"
    PAUSED = "conversation_paused"
    HUMAN_ANSWERED = "human_answered"
    OPTED_OUT = "customer_opted_out"
    AUTO_REPLIER = "auto_replier"
    STANDBY = "in_standby"
    TAKEN_BACK = "taken_back"
    ARCHIVED = "conversation_archived"


@dataclass(frozen=True, slots=True)
class Customer:
    """The person who writes in; `address` is what the platform calls them now."""

    id: UUID
    address: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """One customer on one phone number with one agent (None until one is linked).

    While it is paused it has a `paused_reason`; `paused_until` is None when that lasts until somebody resumes it.
    """

    id: UUID
    phone_number_id: UUID
    agent_id: UUID | None
    customer: Customer
    status: ConversationStatus
    openai_conversation_id: str | None
    message_count: int
    last_activity_at: datetime
    created_at: datetime
    paused_until: datetime | None = None
    paused_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; `sequence_number` counts from 1 without a gap.

    `content` is what it is beside its text (see domain.contents), `media` the files that came with it, in order.
    `pricing` is the platform's word on what it charges, `status_times` tells when each status was reached (ISO 8601).
    Of what an agent said, `prompt_id`, `prompt_version` and `model` tell what spoke.
    """

    id: UUID
    conversation_id: UUID
    phone_number_id: UUID
    sequence_number: int
    direction: str
    author: str
    type: str
    text: str | None
    status: str
    reason: str | None
    platform_message_id: str | None
    turn_id: UUID | None
    error: dict[str, Any] | None
    created_at: datetime
    pricing: dict[str, Any] | None = None
    status_times: dict[str, str] = field(default_factory=dict)
    content: dict[str, Any] | None = None
    prompt_id: str | None = None
    prompt_version: int | None = None
    model: str | None = None
    media: tuple[StoredMedium, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A customer's message that a turn answers. `type` is the platform's word, `content` what is more than text."""

    message_id: UUID
    sequence_number: int
    platform_message_id: str | None
    text: str | None
    type: str = "text"
    content: dict[str, Any] | None = None

    @property
    def name_at_platform(self) -> str | None:
        """The id by which the platform knows it; None when that told none and it bears one that we made."""
        return None if is_made(self.platform_message_id) else self.platform_message_id


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said before, for a model that has to be told."""

    author: str
    text: str


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A part of the reply that a turn has already written down, with what is known of its delivery."""

    message_id: UUID
    text: str
    status: OutboundStatus
    is_template: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """An open turn in the hands of one worker.

    `fence` grows each time another worker takes the turn over; every write of a turn carries it, and the
    store refuses one whose number is old. `replies` are the parts of the reply when an earlier worker had already
    written one. `attempts` counts the workers that took it, this one included, `crashes` those that ended with it in
    hand. `last_item_id` is the last item of the model's conversation that belongs to an earlier turn. `heard` is the
    newest thing the customer sent, `lately` what was said before when that was unusually much. `context_version`
    names all that is to be known of agent and phone number, as it was when the turn was taken; None when one is gone.
    """

    id: UUID
    fence: int
    user_id: UUID
    conversation_id: UUID
    phone_number_id: UUID
    agent_id: UUID
    address: str
    openai_conversation_id: str | None
    questions: tuple[Question, ...]
    replies: tuple[StoredReply, ...]
    attempts: int
    crashes: int
    last_item_id: str | None
    heard: Heard
    lately: tuple[Line, ...] = ()
    context_version: UUID | None = None

    @property
    def is_asked_again(self) -> bool:
        """Whether the customer wrote again after the last question, as far as was known when the turn was taken."""
        return self.heard.sequence_number > self.questions[-1].sequence_number


def initial_status(message: InboundMessage) -> tuple[InboundStatus, UnansweredReason | None]:
    """How a customer's message starts: waiting for an answer, or stored with the reason for none."""
    if message.is_standby:
        return InboundStatus.UNANSWERABLE, UnansweredReason.STANDBY
    if message.type in ANSWERABLE_TYPES and _says_something(message):
        return InboundStatus.RECEIVED, None
    return InboundStatus.UNANSWERABLE, UnansweredReason.TYPE


def _says_something(message: InboundMessage) -> bool:
    if message.text is not None and message.text.strip():
        return True
    return bool(message.media) or bool((message.content or {}).keys() - CIRCUMSTANCES)


def standing_parts(replies: Sequence[StoredReply]) -> Sequence[StoredReply]:
    """What the reply consists of, in order: a template stands for all the parts behind it."""
    return replies[:1] if replies and replies[0].is_template else replies


def first_not_taken(parts: Sequence[StoredReply]) -> int:
    """The place of the first part that the platform has not taken; their number when it has taken all."""
    taken = {OutboundStatus.SENT, OutboundStatus.DELIVERED, OutboundStatus.READ}
    return next((place for place, part in enumerate(parts) if part.status not in taken), len(parts))


def pseudonym(user_id: UUID, address: str) -> str:
    """A stable name for a customer that tells outsiders nothing: 32 hexadecimal characters."""
    return hashlib.blake2b(address.encode(), key=user_id.bytes, digest_size=16).hexdigest()


def later(now: OutboundStatus, reported: OutboundStatus) -> OutboundStatus:
    """The status after a report: the one further on, so that no report takes a message back."""
    return max(now, reported, key=OUTBOUND_ORDER.index)
