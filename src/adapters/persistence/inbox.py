"""Storing what arrives: accept_messages and record_receipts of the schema, gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from adapters.gatherer import Gatherer
from adapters.persistence.database import Database
from adapters.persistence.rows import storable_json
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
    %s::text[], %s::text[], %s::text[], %s::uuid[], %s::text[], %s::timestamptz[], %s::jsonb[]
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
            ),
        )
        return [ReceiptOutcome(outcome) for (outcome,) in rows]


def _stored(rows: Sequence[tuple[object, ...]]) -> list[Stored]:
    return [Stored(Acceptance(outcome), *place) for outcome, *place in rows]  # type: ignore[arg-type]
