"""Topping up, and reading the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.answers import Once
from application.ports.credits import Added, Credits
from application.ports.turn_queue import TurnQueue
from application.ports.turns import Turns, WaitingFilter
from application.requeue import requeue
from domain.credits import BLOCKED_HOURS_MAX, Account, Entry, checked_amount
from domain.shared import checked_text
from domain.users import Caller


@dataclass(frozen=True, slots=True)
class ManageCredits:
    """A user's credits. A top-up resumes what was blocked for want of them and is still worth answering."""

    credits: Credits
    turns: Turns
    queue: TurnQueue
    blocked_hours_max: float = BLOCKED_HOURS_MAX

    async def account(self, caller: Caller, user_id: UUID) -> Account:
        """Balance, holds and what is available. Raises NotFound."""
        caller.must_read(user_id)
        return await self.credits.account(user_id)

    async def add(
        self, caller: Caller, user_id: UUID, amount: int, note: str | None, once: Once[Added] | None = None
    ) -> Added:
        """Add credits. Raises InvalidInput or NotFound, and as Answers says."""
        caller.must_manage(user_id)
        note = None if note is None else checked_text(note, "note", 1_000)
        added = await self.credits.add(
            user_id, checked_amount(amount), note, once, blocked_hours_max=self.blocked_hours_max
        )
        if added.resumes:
            await requeue(self.turns, self.queue, WaitingFilter(user_id=user_id))
        return added

    async def entries(self, caller: Caller, user_id: UUID, page: PageRequest) -> Page[Entry]:
        """The lines of the user's ledger."""
        caller.must_read(user_id)
        return await self.credits.entries(user_id, page)
