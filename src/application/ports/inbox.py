"""Where a customer's message becomes a fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.channels import Change, Echo, InboundMessage, Move, Notice, Receipt


class Acceptance(StrEnum):
    """What became of a delivered message. `UNCLAIMED`: nobody has registered the phone number yet."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNCLAIMED = "unclaimed"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a message was stored. The ids are None when it is a duplicate or unclaimed; `message_id` is its own.

    `waits` tells that a worker should be woken: the message is to be answered, and its conversation not paused.
    """

    acceptance: Acceptance
    conversation_id: UUID | None = None
    phone_number_id: UUID | None = None
    sequence_number: int | None = None
    waits: bool = False
    message_id: UUID | None = None


class ReceiptOutcome(StrEnum):
    """What a receipt changed. `OLD`: we knew as much already. `UNKNOWN`: it is of no message of ours."""

    RECORDED = "recorded"
    OLD = "old"
    UNKNOWN = "unknown"


class EchoOutcome(StrEnum):
    """Whose message came back. `KNOWN`: it was noted before. `UNCLAIMED`: nobody has registered the phone number."""

    OURS = "ours"
    HUMAN = "human"
    KNOWN = "known"
    UNCLAIMED = "unclaimed"


class ChangeOutcome(StrEnum):
    """What a change did.

    `EARLY`: its message has not come yet. `OLD`: we knew as much. `UNKNOWN`: the message is no customer's.
    """

    APPLIED = "applied"
    EARLY = "early"
    OLD = "old"
    UNKNOWN = "unknown"


class Inbox(Protocol):
    """Stores what arrives. When a call returns, it is committed; when it raises, what could be stored still is."""

    async def accept(self, messages: Sequence[InboundMessage]) -> Sequence[Stored]:
        """Store customers' messages, each once: same phone number and platform id, same message.

        Finds or opens each conversation and gives each message its next number there, without a gap and in
        the order given. Answers in that order too. A customer is known by the address or any alias; identifiers of
        two customers in one message make them one, the one who was known first. Each is called what their newest
        message calls them. After STOP, and until START, a customer's messages get no answer.
        """
        ...

    async def record(self, receipts: Sequence[Receipt]) -> Sequence[ReceiptOutcome]:
        """Note what the platform reports of messages of ours, and settle or refund the turns it decides.

        What is reported of a message that we do not know yet is kept, and heeded as soon as we do.
        """
        ...

    async def heed_early_receipts(self, kept_days: float) -> int:
        """Heed receipts whose message has become known in the moment they came, and drop those kept so long.

        Returns how many were heeded.
        """
        ...

    async def note_echoes(self, echoes: Sequence[Echo]) -> Sequence[EchoOutcome]:
        """Note messages of the business's own that came back.

        One of ours counts as sent, which may decide its turn. Any other was written by a person: it is stored, the
        conversation is paused, and what waited there needs no answer any more.
        """
        ...

    async def note_changes(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        """Note what customers changed or took back; before its message, a change is kept for it.

        The newest text counts, whatever the order; of what was taken back nothing is left.
        """
        ...

    async def note_moves(self, moves: Sequence[Move]) -> Sequence[bool]:
        """Note what customers are called from now on; True where somebody is known by either name."""
        ...

    async def keep_notices(self, notices: Sequence[Notice]) -> int:
        """Keep what is about accounts and threads, each once; how many were new."""
        ...

    async def claim_unclaimed(self, limit: int) -> Sequence[Stored]:
        """Accept up to `limit` messages that were waiting for their phone number to be registered."""
        ...

    async def unclaimed(self) -> int:
        """How many messages wait for their phone number to be registered."""
        ...
