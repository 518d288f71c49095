"""Storing what arrives: accept_messages and record_receipts of the schema, gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from adapters.gatherer import Gatherer
from adapters.persistence.database import Database
from adapters.persistence.rows import fetched, storable_json
from application.ports.clock import Ids
from application.ports.inbox import Acceptance, ReceiptOutcome, Stored
from domain.channels import ChannelType, InboundMessage, Receipt
from domain.conversations import initial_status
from domain.shared import Unavailable

BATCH_MAX = 256
COUNT_SECONDS_MAX = 2.0
"""Who asks for the count is a health check, which must not wait as long as a customer's message would."""

ACCEPT = """
select outcome, conversation_id, phone_number_id, sequence_number from accept_messages(
    %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[]
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
returning u.type, u.account, u.address, u.name, u.platform_message_id, u.content_type, u.text, u.written_at, u.arrival
"""

EXPIRE_EARLY = "delete from early_receipts where received_at <= clock_timestamp() - %s * interval '1 day'"
# Ours may have learnt the platform's id in the very moment in which the receipt was put aside: both saw nothing.
EARLY_BUT_KNOWN = """
select distinct m.id from early_receipts e
join phone_numbers n on n.type = e.type and n.account = e.account
join messages m on m.phone_number_id = n.id and m.platform_message_id = e.platform_message_id
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
        self._accepted = Gatherer(self._accept, items_max=BATCH_MAX)
        self._recorded = Gatherer(self._record, items_max=BATCH_MAX)

    async def accept(self, messages: Sequence[InboundMessage]) -> Sequence[Stored]:
        """Store customers' messages; see the port."""
        return await self._accepted.all(messages)

    async def record(self, receipts: Sequence[Receipt]) -> Sequence[ReceiptOutcome]:
        """Note what the platform reports; see the port."""
        return await self._recorded.all(receipts)

    async def claim_unclaimed(self, limit: int) -> Sequence[Stored]:
        """Accept what was waiting for its phone number; see the port."""
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(CLAIM, (limit,))).fetchall()
            if not rows:
                return ()
            rows.sort(key=lambda row: row[-1])
            messages = [InboundMessage(ChannelType(type_), *rest) for type_, *rest, _ in rows]
            return _stored(await (await connection.execute(ACCEPT, self._columns(messages))).fetchall())

    async def heed_early_receipts(self, kept_days: float) -> int:
        """Heed and drop receipts that came too early; see the port."""
        await self._database.fetch(EXPIRE_EARLY + " returning 1", (kept_days,))
        rows = await self._database.fetch(EARLY_BUT_KNOWN, (JUST_NOW_SECONDS,))
        if not rows:
            return 0
        known = [message_id for (message_id,) in rows]
        async with self._database.transaction() as connection:
            await connection.execute(LOCK_CONVERSATIONS, (known,))
            await connection.execute(LOCK_ACCOUNTS, (known,))
            ((heeded,),) = await fetched(connection, MERGE_EARLY, (known,))
        return int(heeded)

    async def unclaimed(self) -> int:
        """How many messages wait for their phone number; see the port."""
        try:
            async with asyncio.timeout(COUNT_SECONDS_MAX):
                rows = await self._database.fetch("select count(*) from unclaimed_messages", ())
        except TimeoutError as error:
            raise Unavailable("Postgres is too slow to count.") from error
        return int(rows[0][0])

    async def _accept(self, messages: list[InboundMessage]) -> Sequence[Stored]:
        return _stored(await self._database.fetch(ACCEPT, self._columns(messages)))

    def _columns(self, messages: Sequence[InboundMessage]) -> Sequence[object]:
        statuses = [initial_status(message) for message in messages]
        return (
            *([self._ids.new() for _ in messages] for _ in range(3)),
            [message.channel for message in messages],
            [message.account for message in messages],
            [message.address for message in messages],
            [message.name for message in messages],
            [message.platform_message_id for message in messages],
            [message.type for message in messages],
            [message.text for message in messages],
            [message.written_at for message in messages],
            [status for status, _ in statuses],
            [reason for _, reason in statuses],
        )

    async def _record(self, receipts: list[Receipt]) -> Sequence[ReceiptOutcome]:
        rows = await self._database.fetch(
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


def _stored(rows: Sequence[tuple[object, ...]]) -> list[Stored]:
    return [Stored(Acceptance(outcome), *place) for outcome, *place in rows]  # type: ignore[arg-type]
