"""The ledger in Postgres: read, and added to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import LiteralString
from uuid import UUID

from psycopg.rows import TupleRow

from adapters.persistence.database import Database
from adapters.persistence.pages import BY_NUMBER, Order, cursor_at, fetch_page, place_in
from adapters.persistence.rows import fetched, found
from application.pages import Page, PageRequest
from application.ports.credits import Added, KeyReused
from domain.credits import Account, Entry, EntryKind, Usage, UsageGroup
from domain.shared import storable

ACCOUNT = "select balance, held from credit_accounts where user_id = %s"
LIST = """
select item.id, item.kind, item.amount, item.balance_change, item.held_change, item.turn_id, item.note,
    item.created_at
from credit_entries item
"""

# Everything that moves a user's credits locks the account first, so this is where two additions with one key meet:
# the second one finds the answer of the first.
LOCK_ACCOUNT = "select user_id from credit_accounts where user_id = %s for no key update"
FIRST_ANSWER = """
select answer.request_digest, (answer.answer ->> 'balance')::bigint, (answer.answer ->> 'held')::bigint,
    item.id, item.kind, item.amount, item.balance_change, item.held_change, item.turn_id, item.note, item.created_at
from idempotent_answers answer left join credit_entries item on item.id = (answer.answer ->> 'entry_id')::bigint
where answer.user_id = %s and answer.key = %s
"""
ADD = """
with account as (
    update credit_accounts set balance = balance + %(amount)s where user_id = %(user_id)s returning balance, held
), entry as (
    insert into credit_entries (user_id, kind, amount, balance_change, held_change, note)
    values (%(user_id)s, 'add', %(amount)s, %(amount)s, 0, %(note)s)
    returning id, kind, amount, balance_change, held_change, turn_id, note, created_at
), expired as (
    update messages set status = 'unanswerable', reason = 'waited_too_long', status_at = now()
    where user_id = %(user_id)s and status = 'blocked'
        and created_at <= now() - %(blocked_hours_max)s::float8 * interval '1 hour'
), resumed as (
    update messages set status = 'received', reason = null, status_at = now()
    where user_id = %(user_id)s and status = 'blocked'
        and (created_at <= now() - %(blocked_hours_max)s::float8 * interval '1 hour') is not true
), relieved as (
    update alerts set resolved_at = clock_timestamp()
    where kind = 'credits_exhausted' and subject = %(user_id)s::text and resolved_at is null
), answer as (
    insert into idempotent_answers (user_id, key, request_digest, answer)
    select %(user_id)s, %(key)s, %(digest)s,
        jsonb_build_object('entry_id', entry.id, 'balance', account.balance, 'held', account.held)
    from entry, account where %(key)s::text is not null
)
select account.balance, account.held, entry.* from account, entry
"""
USAGE = """
with spent as (
    select {key} as key, kind, amount from credit_entries
    where user_id = %(user_id)s and kind in ('capture', 'refund')
        and created_at >= %(since)s and created_at < %(until)s
), added_up as (
    select coalesce(key, '') as key, coalesce(sum(amount) filter (where kind = 'capture'), 0)::bigint,
        coalesce(sum(amount) filter (where kind = 'refund'), 0)::bigint, count(*) filter (where kind = 'capture')
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
        idempotency_key: str | None,
        *,
        blocked_hours_max: float | None = None,
    ) -> Added:
        """Add credits, once for each key; see the port."""
        key = None if idempotency_key is None else storable(idempotency_key)
        digest = sha256(json.dumps(["credits.add", amount, note]).encode()).digest()
        request = {
            "user_id": user_id,
            "amount": amount,
            "note": note,
            "key": key,
            "digest": digest,
            "blocked_hours_max": blocked_hours_max,
        }
        async with self._database.of(user_id).transaction() as connection:
            found(await fetched(connection, LOCK_ACCOUNT, (user_id,)), "user")
            if key is not None and (first := await fetched(connection, FIRST_ANSWER, (user_id, key))):
                return _first_answer(first[0], digest)
            return _added((await fetched(connection, ADD, request))[0])

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


def _first_answer(row: TupleRow, digest: bytes) -> Added:
    first_digest, *answer = row
    if first_digest != digest:
        raise KeyReused("Idempotency-Key", "It was used before with another request.")
    return _added(tuple(answer))


def _added(row: TupleRow) -> Added:
    balance, held, *entry = row
    return Added(_entry(tuple(entry)), Account(balance, held))


def _entry(row: TupleRow) -> Entry:
    id_, kind, amount, balance_change, held_change, turn_id, note, created_at = row
    return Entry(id_, EntryKind(kind), amount, balance_change, held_change, turn_id, note, created_at)
