"""The ledger in Postgres: read, and added to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import TupleRow

from adapters.persistence.alert_lines import tell_alert
from adapters.persistence.answers import done_once
from adapters.persistence.database import Database
from adapters.persistence.pages import BY_NUMBER, Order, cursor_at, fetch_page, place_in
from adapters.persistence.rows import fetched, found
from application.pages import Page, PageRequest
from application.ports.answers import Once
from application.ports.credits import Added
from domain.credits import Account, Entry, EntryKind, Usage, UsageGroup, changes
from domain.monitoring import AlertKind
from domain.shared import storable

ACCOUNT = "select balance, held from credit_accounts where user_id = %s"
LIST = """
select item.id, item.kind, item.amount, item.balance_change, item.held_change, item.turn_id, item.note,
    item.created_at, item.extraction_id
from credit_entries item
"""

ADD = "select balance, held, id, created_at, resumes, ends_alert from add_credits(%s, %s, %s, %s)"
USAGE = """
with spent as (
    select {key} as key, kind, amount, extraction_id from credit_entries
    where user_id = %(user_id)s and kind in ('capture', 'refund')
        and created_at >= %(since)s and created_at < %(until)s
), added_up as (
    select coalesce(key, '') as key, coalesce(sum(amount) filter (where kind = 'capture'), 0)::bigint,
        coalesce(sum(amount) filter (where kind = 'refund'), 0)::bigint,
        count(*) filter (where kind = 'capture' and extraction_id is null)
    from spent group by 1
)
select * from added_up where {behind} order by key collate "C" {direction} limit %(limit)s
"""
KEYS: Mapping[UsageGroup, LiteralString] = {
    UsageGroup.DAY: "to_char(created_at at time zone 'UTC', 'YYYY-MM-DD')",
    UsageGroup.AGENT: "agent_id::text",
    UsageGroup.PHONE_NUMBER: "phone_number_id::text",
}
BEHIND: Mapping[bool, LiteralString] = {
    False: '(%(place)s::text is null or key collate "C" > %(place)s)',
    True: '(%(place)s::text is null or key collate "C" < %(place)s)',
}
BY_KEY = Order(("key",), lambda usage: usage.key, lambda words: (storable(words),))
EXPIRE_BLOCKED = "select expire_blocked(%s, %s)"


class PostgresCredits:
    """The ledger; whoever moves a user's credits waits for whoever is moving them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def account(self, user_id: UUID) -> Account:
        """The user's account; see the port."""
        return Account(*found(await self._database.of(user_id).fetch(ACCOUNT, (user_id,)), "user"))

    async def add(
        self,
        user_id: UUID,
        amount: int,
        note: str | None,
        once: Once[Added] | None,
        *,
        blocked_hours_max: float | None = None,
    ) -> Added:
        """Add credits; see the port."""
        ends_alert = False

        async def effect() -> Added:
            nonlocal ends_alert
            rows = await fetched(connection, ADD, (user_id, amount, note, blocked_hours_max))
            *row, ends_alert = found(rows, "user")
            return _added(row, amount, note)

        async with self._database.of(user_id).transaction() as connection:
            added = await done_once(connection, user_id, once, effect)
        if ends_alert:
            tell_alert(AlertKind.CREDITS_EXHAUSTED, user_id, str(user_id), is_open=False)
        return added

    async def entries(self, user_id: UUID, page: PageRequest) -> Page[Entry]:
        """The lines of the user's ledger; see the port."""
        return await fetch_page(
            self._database.of(user_id), LIST, {"item.user_id = %s": user_id}, page, _entry, BY_NUMBER
        )

    async def usage(
        self, user_id: UUID, group: UsageGroup, since: datetime, until: datetime, page: PageRequest
    ) -> Page[Usage]:
        """What was captured and refunded; see the port."""
        (place,) = (None,) if page.cursor is None else place_in(page.cursor, BY_KEY)
        statement = USAGE.replace("{key}", KEYS[group]).replace("{behind}", BEHIND[page.newest_first])
        statement = statement.replace("{direction}", "desc" if page.newest_first else "asc")
        asked = {"user_id": user_id, "since": since, "until": until, "place": place, "limit": page.limit + 1}
        rows = await self._database.of(user_id).fetch(statement, asked)
        items = [Usage(*row) for row in rows[: page.limit]]
        return Page(items, cursor_at(items[-1], BY_KEY) if len(rows) > page.limit else None)

    async def expire_blocked(self, blocked_hours_max: float, limit: int) -> int:
        """Give up messages that have been blocked too long; see the port."""
        ((expired,),) = await self._database.house.fetch(EXPIRE_BLOCKED, (blocked_hours_max * 3_600, limit))
        return int(expired)


def _added(row: Sequence[Any], amount: int, note: str | None) -> Added:
    balance, held, id_, created_at, resumes = row
    entry = Entry(id_, EntryKind.ADD, amount, *changes(EntryKind.ADD, amount), None, note, created_at)
    return Added(entry, Account(balance, held), resumes)


def _entry(row: TupleRow) -> Entry:
    id_, kind, *rest = row
    return Entry(id_, EntryKind(kind), *rest)
