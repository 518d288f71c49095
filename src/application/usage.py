"""The report of what was paid for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.clock import Clock
from application.ports.credits import Credits
from domain.credits import Usage, UsageGroup
from domain.shared import InvalidInput
from domain.users import Caller

USAGE_DAYS = 30
USAGE_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class ReportUsage:
    """Adds up what a user's replies and extractions cost."""

    credits: Credits
    clock: Clock

    async def __call__(
        self,
        caller: Caller,
        user_id: UUID,
        group: UsageGroup,
        page: PageRequest,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Page[Usage]:
        """By day, agent or phone number, from `since` up to `until`: the last USAGE_DAYS, unless told otherwise.

        Raises InvalidInput for a time that ends before it begins or lasts longer than USAGE_DAYS_MAX.
        """
        caller.must_read(user_id)
        end = until or self.clock.now()
        if since is None:
            begin = end - min(timedelta(days=USAGE_DAYS), end - datetime.min.replace(tzinfo=end.tzinfo))
        else:
            begin = since
        if end < begin:
            raise InvalidInput("until", "It must not lie before since.")
        if end - begin > timedelta(days=USAGE_DAYS_MAX):
            raise InvalidInput("since", f"At most {USAGE_DAYS_MAX} days are added up at once.")
        return await self.credits.usage(user_id, group, begin, end, page)
