"""Topping up, and reading the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.idempotency import checked_idempotency_key
from application.pages import Page, PageRequest
from application.ports.clock import Clock
from application.ports.credits import Added, Credits
from application.ports.turn_queue import TurnQueue
from application.ports.turns import Turns, WaitingFilter
from application.requeue import requeue
from domain.credits import BLOCKED_HOURS_MAX, Account, Entry, Usage, UsageGroup, checked_amount
from domain.shared import InvalidInput, checked_text
from domain.users import Caller

USAGE_DAYS = 30
USAGE_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class ManageCredits:
    """A user's credits. A top-up resumes what was blocked for want of them and is still worth answering."""

    credits: Credits
    turns: Turns
    queue: TurnQueue
    clock: Clock
    blocked_hours_max: float = BLOCKED_HOURS_MAX

    async def account(self, caller: Caller, user_id: UUID) -> Account:
        """Balance, holds and what is available. Raises NotFound."""
        caller.must_read(user_id)
        return await self.credits.account(user_id)

    async def add(
        self, caller: Caller, user_id: UUID, amount: int, note: str | None, idempotency_key: str | None
    ) -> Added:
        """Add credits, once for each key. Raises InvalidInput, NotFound or KeyReused."""
        caller.must_manage(user_id)
        key = checked_idempotency_key(idempotency_key)
        note = None if note is None else checked_text(note, "note", 1_000)
        added = await self.credits.add(
            user_id, checked_amount(amount), note, key, blocked_hours_max=self.blocked_hours_max
        )
        await requeue(self.turns, self.queue, WaitingFilter(user_id=user_id))
        return added

    async def entries(self, caller: Caller, user_id: UUID, page: PageRequest) -> Page[Entry]:
        """The lines of the user's ledger."""
        caller.must_read(user_id)
        return await self.credits.entries(user_id, page)

    async def usage(
        self,
        caller: Caller,
        user_id: UUID,
        group: UsageGroup,
        page: PageRequest,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Page[Usage]:
        """What replies cost, by day, agent or phone number; of the last 30 days, unless told otherwise.

        Raises InvalidInput for a time that ends before it begins or lasts longer than USAGE_DAYS_MAX.
        """
        caller.must_read(user_id)
        end = until or self.clock.now()
        begin = since or end - timedelta(days=USAGE_DAYS)
        if end < begin:
            raise InvalidInput("until", "It must not lie before since.")
        if end - begin > timedelta(days=USAGE_DAYS_MAX):
            raise InvalidInput("since", f"At most {USAGE_DAYS_MAX} days are added up at once.")
        return await self.credits.usage(user_id, group, begin, end, page)
