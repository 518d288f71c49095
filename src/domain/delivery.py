"""Sending a reply: what the platform said, what that does to message, turn and credit, and how long to wait."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.answers import NotAnswered
from domain.channels import ChannelStatus, ChannelType
from domain.conversations import InboundStatus, OutboundStatus, TurnStatus, UnansweredReason
from domain.credits import EntryKind
from domain.shared import Conflict, InvalidInput, checked_text

BACKOFF_SECONDS_FIRST = 0.5
BACKOFF_SECONDS_MAX = 8.0
TEXT_LENGTH_MAX = 2_000
"""Characters of one message that a person writes: any platform but Instagram takes twice as many."""
INSTAGRAM_BYTES_MAX = 1_000


class NotFailed(Conflict):
    """Only a reply of ours that failed can be sent again."""

    code = "message_not_failed"


class AgentGone(Conflict):
    """The agent that wrote the message was removed, and nobody speaks for it any more."""

    code = "agent_removed"


class TurnUnderWay(Conflict):
    """The conversation is being answered now; one turn at a time keeps its messages in order."""

    code = "turn_under_way"


class ConversationOver(Conflict):
    """The conversation is archived: nothing is said in it any more."""

    code = "conversation_archived"


class WindowClosed(Conflict):
    """The platform takes no free text for this customer now: their last message is too long ago."""

    code = "window_closed"


def checked_own_words(text: str, channel: ChannelType) -> str:
    """What a person writes to a customer, as it is sent: one message. Raises InvalidInput when it is none."""
    text = checked_text(text.strip(), "text", TEXT_LENGTH_MAX)
    if not text:
        raise InvalidInput("text", "It must not be empty.")
    if channel is ChannelType.INSTAGRAM and len(text.encode()) > INSTAGRAM_BYTES_MAX:
        raise InvalidInput("text", f"It must have at most {INSTAGRAM_BYTES_MAX} bytes: Instagram takes no longer ones.")
    return text


@dataclass(frozen=True, slots=True)
class Accepted:
    """The platform took the message. `platform_message_id` is None when its answer could not be read."""

    platform_message_id: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The platform will never take this message. `error` is its own account of why.

    `is_window`: only because the window for free text has closed. `is_our_fault`: the request itself was wrong, which
    somebody here has to mend.
    """

    error: dict[str, Any]
    is_window: bool = False
    is_our_fault: bool = False


class Pace(StrEnum):
    """Who is too fast, when the platform says so: everything a phone number sends, or what one customer gets."""

    NUMBER = "number"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Deferred:
    """The platform did not take the message now (a rate, a pause); it may later.

    `is_outage`: it would have refused anybody, so others need not try. `pace` tells who has to slow down.
    `is_our_fault`: when it goes on, the phone number is set up wrongly, and somebody here has to mend that.
    """

    error: dict[str, Any]
    after_seconds: float | None = None
    is_outage: bool = False
    pace: Pace | None = None
    is_our_fault: bool = False

    def given_up(self) -> Refused:
        """What it comes to when there is no time left to try again."""
        return Refused(self.error, is_our_fault=self.is_our_fault)


@dataclass(frozen=True, slots=True)
class Parked:
    """The platform takes nothing from this phone number until a person acts. The message was surely not sent.

    `status` is what the phone number is from now on.
    """

    error: dict[str, Any]
    status: ChannelStatus


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The platform may or may not have taken the message. It is never sent again on a guess.

    `rest_seconds` is how long its phone number should send nothing else, where the platform's account of it says so.
    """

    error: dict[str, Any]
    rest_seconds: float | None = None


SendOutcome = Accepted | Refused | Deferred | Ambiguous | Parked


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a turn ends: one value for each row that the end touches. None leaves a row as it is.

    `message_id` is the part of the reply it is about; None is the first that is not decided. `is_our_fault` tells that
    somebody here has to mend something.
    """

    turn: TurnStatus
    inbound: InboundStatus | None
    reason: UnansweredReason | None
    outbound: OutboundStatus | None
    entry: EntryKind | None
    platform_message_id: str | None = None
    error: dict[str, Any] | None = None
    last_item_id: str | None = None
    message_id: UUID | None = None
    is_our_fault: bool = False


def settlement_of_send(outcome: Accepted | Refused | Ambiguous, message_id: UUID | None = None) -> Settlement:
    """How a turn ends after a part of its reply was handed to the platform: the last one, if it was accepted.

    Accepted captures the credit, refused releases it, and an unknown outcome keeps it held until a receipt
    or a person decides. A credit pays for a whole reply: parts that went before a refused one are not charged.
    """
    match outcome:
        case Accepted(platform_message_id):
            return Settlement(
                TurnStatus.ANSWERED,
                InboundStatus.ANSWERED,
                None,
                OutboundStatus.SENT,
                EntryKind.CAPTURE,
                platform_message_id,
                message_id=message_id,
            )
        case Refused(error, is_window, is_our_fault):
            return Settlement(
                TurnStatus.FAILED,
                InboundStatus.UNANSWERABLE,
                UnansweredReason.WINDOW_CLOSED if is_window else UnansweredReason.SEND_FAILED,
                OutboundStatus.FAILED,
                EntryKind.RELEASE,
                error=error,
                message_id=message_id,
                is_our_fault=is_our_fault,
            )
        case Ambiguous(error):
            return Settlement(
                TurnStatus.UNDECIDED, None, None, OutboundStatus.UNKNOWN, None, error=error, message_id=message_id
            )


def settlement_without_reply(outcome: NotAnswered) -> Settlement:
    """How a turn ends when there is nothing to send: the reason is kept, the credit released.

    A reply that an earlier worker had written and not begun to send has failed with it.
    """
    return Settlement(
        TurnStatus.UNANSWERABLE,
        InboundStatus.UNANSWERABLE,
        outcome.reason,
        OutboundStatus.FAILED,
        EntryKind.RELEASE,
        error={"detail": outcome.detail},
        last_item_id=outcome.last_item_id,
    )


def backoff_seconds(attempt: int, chance: float, asked_seconds: float | None = None) -> float:
    """How long to wait before the next try, in seconds.

    Doubles from BACKOFF_SECONDS_FIRST to BACKOFF_SECONDS_MAX with `attempt` (1 is the first failure), spread
    by `chance` in [0, 1) over the upper half so that many waiters do not return together. What the provider
    asked for is never undercut.
    """
    step: float = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_FIRST * 2 ** min(attempt - 1, 10))
    return max(asked_seconds or 0.0, step * (0.5 + chance / 2))
