"""The ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.answers import Once
from domain.credits import Account, Entry, Usage, UsageGroup


@dataclass(frozen=True, slots=True)
class Added:
    """The new line of the ledger, the account right after it, and whether messages that were blocked go on."""

    entry: Entry
    account: Account
    resumes: bool


class Credits(Protocol):
    """Read the ledger, and add to it. Holds and captures are made with the turn they belong to."""

    async def account(self, user_id: UUID) -> Account:
        """The user's account. Raises NotFound when there is no such user."""
        ...

    async def add(
        self,
        user_id: UUID,
        amount: int,
        note: str | None,
        once: Once[Added] | None,
        *,
        blocked_hours_max: float | None = None,
    ) -> Added:
        """Add credits, and put messages that were blocked for want of them back to waiting.

        Those that came longer ago than `blocked_hours_max` become unanswerable (`waited_too_long`) instead;
        None sets no limit. An open `credits_exhausted` alert of the user is resolved.

        Raises NotFound, and as Answers says.
        """
        ...

    async def entries(self, user_id: UUID, page: PageRequest) -> Page[Entry]:
        """The lines of the user's ledger, as they were written. Raises InvalidInput for a wrong cursor."""
        ...

    async def usage(
        self, user_id: UUID, group: UsageGroup, since: datetime, until: datetime, page: PageRequest
    ) -> Page[Usage]:
        """What was captured and refunded from `since` up to, not including, `until`, in the order of the keys.

        What nothing was captured or refunded for is left out. Raises InvalidInput for a wrong cursor.
        """
        ...

    async def expire_blocked(self, blocked_hours_max: float, limit: int) -> int:
        """Make up to `limit` blocked messages that are older than that unanswerable (`waited_too_long`).

        Returns how many. Conversations that are being written in are left for the next call.
        """
        ...
