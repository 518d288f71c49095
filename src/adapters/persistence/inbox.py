"""Storing what arrives: accept_messages and record_receipts of the schema, gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from adapters.gatherer import Gatherer
from adapters.persistence import arrivals
from adapters.persistence.database import Database
from adapters.persistence.message_rows import columns_of, message_of
from adapters.persistence.refused_elements import each_on_its_own, one_by_one, without_refusals
from adapters.persistence.rows import fetched, storable_json
from application.ports.clock import Ids
from application.ports.inbox import Acceptance, ChangeOutcome, EchoOutcome, ReceiptOutcome, Stored
from domain.channels import Change, Echo, InboundMessage, Move, Notice, Receipt
from domain.conversations import OutboundStatus
from domain.shared import Unavailable

BATCH_MAX = 256
COUNT_SECONDS_MAX = 2.0
"""Who asks for the count is a health check, which must not wait as long as a customer's message would."""

ACCEPT = """
select outcome, conversation_id, phone_number_id, sequence_number, waits from accept_messages(
    %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::jsonb[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::text[], %s::jsonb[], %s::jsonb[], %s::text[], %s::boolean[], %s::timestamptz[],
    %s::text[], %s::text[], %s::text[], %s::text[]
) order by place
"""

RECORD = """
select outcome from record_receipts(
    %s::text[], %s::text[], %s::text[], %s::uuid[], %s::text[], %s::timestamptz[], %s::jsonb[], %s::jsonb[]
) order by place
"""

CLAIM = """
delete from unclaimed_messages u using (
    select u.type, u.account, u.platform_message_id
    from unclaimed_messages u join phone_numbers n using (type, account)
    order by u.arrival limit %s for update of u skip locked
) known
where (u.type, u.account, u.platform_message_id) = (known.type, known.account, known.platform_message_id)
returning u.type, u.account, u.address, u.name, u.platform_message_id, u.content_type, u.text, u.written_at,
    u.aliases, u.username, u.content, u.media, u.business, u.is_standby, u.arrival
"""

EXPIRE_EARLY = "delete from early_receipts where received_at <= clock_timestamp() - %s * interval '1 day'"
# Ours may have learnt the platform's id in the very moment in which the receipt was put aside: both saw nothing.
EARLY_BUT_KNOWN = """
select distinct m.id from early_receipts e
join phone_numbers n on n.type = e.type and n.account = e.account
join lateral messages_named(e.platform_message_id) m on m.phone_number_id = n.id
where m.direction = 'outbound' and e.received_at > clock_timestamp() - %s * interval '1 second'
"""
LOCK_CONVERSATIONS = """
select from conversations where id in (select conversation_id from messages where id = any (%s))
order by phone_number_id, customer_id, id for no key update
"""
LOCK_ACCOUNTS = """
select from credit_accounts where user_id in (select user_id from messages where id = any (%s))
order by user_id for no key update
"""
MERGE_EARLY = "select merge_early_receipts(%s)"
JUST_NOW_SECONDS = 60


class PostgresInbox:
    """The inbox in Postgres. One call of the database stores a whole batch."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids
        self._accepted = Gatherer(each_on_its_own(self._accept), items_max=BATCH_MAX)
        self._recorded = Gatherer(each_on_its_own(self._record), items_max=BATCH_MAX)

    async def accept(self, messages: Sequence[InboundMessage]) -> Sequence[Stored]:
        """Store customers' messages; see the port."""
        return without_refusals(await self._accepted.all(messages))

    async def record(self, receipts: Sequence[Receipt]) -> Sequence[ReceiptOutcome]:
        """Note what the platform reports; see the port."""
        return without_refusals(await self._recorded.all(receipts))

    async def note_echoes(self, echoes: Sequence[Echo]) -> Sequence[EchoOutcome]:
        """Note messages of the business's own; see the port."""
        return without_refusals(await one_by_one(self._note_echo, echoes))

    async def note_changes(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        """Note what customers changed; see the port."""
        return without_refusals(await one_by_one(lambda one: arrivals.note_change(self._database.house, one), changes))

    async def note_moves(self, moves: Sequence[Move]) -> Sequence[bool]:
        """Note what customers are called now; see the port."""
        return without_refusals(await one_by_one(lambda one: arrivals.note_move(self._database.house, one), moves))

    async def keep_notices(self, notices: Sequence[Notice]) -> int:
        """Keep what is about accounts; see the port."""

        async def keep(some: list[Notice]) -> Sequence[int]:
            return [await arrivals.keep_notices(self._database.house, self._ids, some)]

        return sum(without_refusals(await each_on_its_own(keep)(list(notices))))

    async def claim_unclaimed(self, limit: int) -> Sequence[Stored]:
        """Accept what was waiting for its phone number; see the port."""
        async with self._database.house.transaction() as connection:
            rows = await (await connection.execute(CLAIM, (limit,))).fetchall()
            if not rows:
                return ()
            rows.sort(key=lambda row: row[-1])
            columns = columns_of([message_of(row[:-1]) for row in rows], self._ids)
            return _stored(await (await connection.execute(ACCEPT, columns)).fetchall(), columns[0])

    async def heed_early_receipts(self, kept_days: float) -> int:
        """Heed and drop receipts that came too early; see the port."""
        await self._database.house.fetch(EXPIRE_EARLY + " returning 1", (kept_days,))
        rows = await self._database.house.fetch(EARLY_BUT_KNOWN, (JUST_NOW_SECONDS,))
        if not rows:
            return 0
        known = [message_id for (message_id,) in rows]
        async with self._database.house.transaction() as connection:
            await connection.execute(LOCK_CONVERSATIONS, (known,))
            await connection.execute(LOCK_ACCOUNTS, (known,))
            ((heeded,),) = await fetched(connection, MERGE_EARLY, (known,))
        return int(heeded)

    async def unclaimed(self) -> int:
        """How many messages wait for their phone number; see the port."""
        try:
            async with asyncio.timeout(COUNT_SECONDS_MAX):
                rows = await self._database.house.fetch("select count(*) from unclaimed_messages", ())
        except TimeoutError as error:
            raise Unavailable("Postgres is too slow to count.") from error
        return int(rows[0][0])

    async def _accept(self, messages: list[InboundMessage]) -> Sequence[Stored]:
        columns = columns_of(messages, self._ids)
        return _stored(await self._database.house.fetch(ACCEPT, columns), columns[0])

    async def _record(self, receipts: list[Receipt]) -> Sequence[ReceiptOutcome]:
        rows = await self._database.house.fetch(
            RECORD,
            (
                [receipt.channel for receipt in receipts],
                [receipt.account for receipt in receipts],
                [receipt.platform_message_id for receipt in receipts],
                [receipt.message_id for receipt in receipts],
                [receipt.status for receipt in receipts],
                [receipt.at for receipt in receipts],
                [storable_json(receipt.error) for receipt in receipts],
                [storable_json(receipt.pricing) for receipt in receipts],
            ),
        )
        return [ReceiptOutcome(outcome) for (outcome,) in rows]

    async def _note_echo(self, echo: Echo) -> EchoOutcome:
        outcome, message_id = await arrivals.note_echo(self._database.house, self._ids, echo)
        if message_id is not None:
            receipt = Receipt(
                echo.channel, echo.account, echo.platform_message_id, message_id, OutboundStatus.SENT, echo.written_at
            )
            await self.record([receipt])
        return outcome


def _stored(rows: Sequence[tuple[Any, ...]], message_ids: Sequence[UUID]) -> list[Stored]:
    """What became of each message; the id that we offered is its own if it was new."""
    return [
        Stored(Acceptance(outcome), conversation, number, place, waits, id_ if outcome == Acceptance.ACCEPTED else None)
        for (outcome, conversation, number, place, waits), id_ in zip(rows, message_ids, strict=True)
    ]
