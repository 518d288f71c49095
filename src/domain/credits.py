"""Credits: held when a turn begins, captured when its reply is accepted, released or refunded otherwise.

The same two-phase form as a reservation: hold, then capture or release; a refund undoes a capture.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.shared import Conflict, Exhausted, InvalidInput

TURN_PRICE = 1
"""What one answer costs, in credits."""
AMOUNT_MAX = 1_000_000_000
BLOCKED_HOURS_MAX = 24.0
"""How long a message that waits for credit is still worth answering: WhatsApp lets a business answer for a day."""


class EntryKind(StrEnum):
    """The five movements a ledger knows."""

    ADD = "add"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Account:
    """A user's credits: `balance` is what is owned, `held` the part promised to turns under way."""

    balance: int = 0
    held: int = 0

    @property
    def available(self) -> int:
        """What a new turn may still hold."""
        return self.balance - self.held

    def covers(self, cost: int) -> bool:
        """Whether it can pay that much; whatever spends asks this. In Postgres it is the function of the same name."""
        return cost <= self.available

    def after(self, kind: EntryKind, amount: int) -> Account:
        """The account after that movement. Raises InsufficientCredits or Conflict when it cannot be made."""
        balance_change, held_change = changes(kind, amount)
        if kind is EntryKind.HOLD and not self.covers(amount):
            raise InsufficientCredits(self)
        moved = Account(self.balance + balance_change, self.held + held_change)
        if not 0 <= moved.held <= moved.balance:
            raise Conflict(f"A {kind} of {amount} does not fit a balance of {self.balance} with {self.held} held.")
        return moved


class InsufficientCredits(Exhausted):
    """What is available does not cover what was asked for; `account` is what there was at that moment."""

    code = "insufficient_credits"

    def __init__(self, account: Account) -> None:
        super().__init__(
            f"There are {account.available} credits available: a balance of {account.balance}, of which "
            f"{account.held} are held for turns under way. Add credits and try again."
        )
        self.account = account


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a ledger, about a turn or a run. Lines are only ever added; balance and holds are their sums."""

    id: int
    kind: EntryKind
    amount: int
    balance_change: int
    held_change: int
    turn_id: UUID | None
    note: str | None
    created_at: datetime
    extraction_id: UUID | None = None


class UsageGroup(StrEnum):
    """What a report of usage adds up by; days are those of UTC."""

    DAY = "day"
    AGENT = "agent"
    PHONE_NUMBER = "phone_number"


@dataclass(frozen=True, slots=True)
class Usage:
    """What one day, agent or phone number (`key`, a date or an id) cost in credits: replies and extractions.

    `replies` counts the first of them only.
    """

    key: str
    captured: int
    refunded: int
    replies: int

    @property
    def net(self) -> int:
        """What was paid in the end."""
        return self.captured - self.refunded


def changes(kind: EntryKind, amount: int) -> tuple[int, int]:
    """What a movement does to the balance and to the holds."""
    return {
        EntryKind.ADD: (amount, 0),
        EntryKind.HOLD: (0, amount),
        EntryKind.CAPTURE: (-amount, -amount),
        EntryKind.RELEASE: (0, -amount),
        EntryKind.REFUND: (amount, 0),
    }[kind]


def checked_threshold(threshold: int | None) -> int | None:
    """`threshold` as it is. Raises InvalidInput unless it is None or lies between 1 and AMOUNT_MAX."""
    if threshold is not None and not 1 <= threshold <= AMOUNT_MAX:
        raise InvalidInput("low_balance_threshold", f"It must be a whole number between 1 and {AMOUNT_MAX}, or null.")
    return threshold


def checked_amount(amount: int) -> int:
    """`amount` as it is. Raises InvalidInput unless it lies between 1 and AMOUNT_MAX."""
    if not 1 <= amount <= AMOUNT_MAX:
        raise InvalidInput("amount", f"It must be a whole number between 1 and {AMOUNT_MAX}.")
    return amount
