"""Conversations, their messages, and the turn: one answer to one or more messages of a customer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.channels import InboundMessage

CRASHES_MAX = 3
"""A turn that so many workers did not survive is set aside."""

ANSWERABLE_TYPES = frozenset({"text"})
"""The kinds of inbound message an agent answers."""


class LaneScope(StrEnum):
    """What is answered strictly one after the other: each conversation, or everything on a phone number."""

    CONVERSATION = "conversation"
    PHONE_NUMBER = "phone_number"


class ConversationStatus(StrEnum):
    """A conversation is active until it is archived; the customer's next message then opens another."""

    ACTIVE = "active"
    ARCHIVED = "archived"


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
    ARCHIVED = "conversation_archived"


@dataclass(frozen=True, slots=True)
class Customer:
    """The person who writes in; `address` is what the platform calls them now."""

    id: UUID
    address: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """One customer on one phone number with one agent (None until one is linked)."""

    id: UUID
    phone_number_id: UUID
    agent_id: UUID | None
    customer: Customer
    status: ConversationStatus
    openai_conversation_id: str | None
    message_count: int
    last_activity_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; `sequence_number` counts from 1 without a gap."""

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


@dataclass(frozen=True, slots=True)
class Question:
    """A customer's message that a turn answers."""

    message_id: UUID
    sequence_number: int
    platform_message_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said before, for a model that has to be told."""

    author: str
    text: str


@dataclass(frozen=True, slots=True)
class StoredReply:
    """The reply a turn has already written down, with what is known of its delivery."""

    message_id: UUID
    text: str
    status: OutboundStatus


@dataclass(frozen=True, slots=True)
class Turn:
    """An open turn in the hands of one worker.

    `fence` grows each time another worker takes the turn over; every write of a turn carries it, and the
    store refuses one whose number is old. `reply` is set when an earlier worker had already written one.
    `attempts` counts the workers that took it, this one included, `crashes` those that ended with it in hand.
    `last_item_id` is the last item of the model's conversation that belongs to an earlier turn.
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
    reply: StoredReply | None
    attempts: int
    crashes: int
    last_item_id: str | None


def initial_status(message: InboundMessage) -> tuple[InboundStatus, UnansweredReason | None]:
    """How a customer's message starts: waiting for an answer, or stored with the reason for none."""
    if message.type in ANSWERABLE_TYPES and message.text is not None and message.text.strip():
        return InboundStatus.RECEIVED, None
    return InboundStatus.UNANSWERABLE, UnansweredReason.TYPE


def pseudonym(user_id: UUID, address: str) -> str:
    """A stable name for a customer that tells outsiders nothing: 32 hexadecimal characters."""
    return hashlib.blake2b(address.encode(), key=user_id.bytes, digest_size=16).hexdigest()


def later(now: OutboundStatus, reported: OutboundStatus) -> OutboundStatus:
    """The status after a report: the one further on, so that no report takes a message back."""
    return max(now, reported, key=OUTBOUND_ORDER.index)
