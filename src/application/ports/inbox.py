"""Where a customer's message becomes a fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.channels import InboundMessage, Receipt


class Acceptance(StrEnum):
    """What became of a delivered message. `UNCLAIMED`: nobody has registered the phone number yet."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNCLAIMED = "unclaimed"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a message was stored. The ids are None when it is a duplicate or unclaimed."""

    acceptance: Acceptance
    conversation_id: UUID | None = None
    phone_number_id: UUID | None = None
    sequence_number: int | None = None


class ReceiptOutcome(StrEnum):
    """What a receipt changed. `OLD`: we knew as much already. `UNKNOWN`: it is of no message of ours."""

    RECORDED = "recorded"
    OLD = "old"
    UNKNOWN = "unknown"


class Inbox(Protocol):
    """Stores what arrives. When a call returns, it is committed."""

    async def accept(self, messages: Sequence[InboundMessage]) -> Sequence[Stored]:
        """Store customers' messages, each once: same phone number and platform id, same message.

        Finds or opens each conversation and gives each message its next number there, without a gap and in
        the order given. Answers in that order too.
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

    async def claim_unclaimed(self, limit: int) -> Sequence[Stored]:
        """Accept up to `limit` messages that were waiting for their phone number to be registered."""
        ...

    async def unclaimed(self) -> int:
        """How many messages wait for their phone number to be registered."""
        ...
