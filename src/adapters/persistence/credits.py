"""The ledger in Postgres: read, and added to."""

from __future__ import annotations

import json
from hashlib import sha256
from uuid import UUID

from psycopg.rows import TupleRow

from adapters.persistence.database import Database
from adapters.persistence.pages import BY_NUMBER, fetch_page
from adapters.persistence.rows import fetched, found
from application.pages import Page, PageRequest
from application.ports.credits import Added, KeyReused
from domain.credits import Account, Entry, EntryKind
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
