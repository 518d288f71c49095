"""What a message looks at does not grow with what was stored before it, however little the server knows of that."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncClientCursor

from adapters.clock import RandomIds
from adapters.persistence.database import Database, Scope
from adapters.persistence.inbox import PostgresInbox
from adapters.persistence.turns import PostgresTurns
from application.ports.inbox import ReceiptOutcome
from bench.archive import A_CONVERSATION, STATEMENTS
from domain.conversations import OutboundStatus
from tests.contract.paths import AT_ONCE, LEASE_SECONDS, Shop, Worker, a_receipt, a_text, postgres_path

MESSAGES = 20_000
BATCH = [str(4915100000000 + number) for number in range(10, 401, 10)]
"""Who wrote in the archive, and whose conversations are still active."""
LOOKED_AT_MAX = 100
"""Rows for each message from its webhook to its receipt: its own, those they refer to, those that are locked."""
LOOKED_AT = "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0) from pg_stat_xact_user_tables"
UNDER_WAY = """
insert into turns (id, user_id, conversation_id, phone_number_id, agent_id, price)
select gen_random_uuid(), user_id, id, phone_number_id, agent_id, 0 from conversations c
where status = 'active' and not exists (
    select from customers where customers.id = c.customer_id and address = any (%s)
) order by created_at limit 50
"""


class Counted:
    """A database, of one connection, that counts the rows each statement looks at."""

    def __init__(self, database: Database) -> None:
        self._scope: Scope = database.house
        self.looked_at = 0

    @property
    def house(self) -> Counted:
        return self

    async def fetch(self, statement: Any, parameters: Any) -> list[Any]:
        async with self._scope.transaction() as connection, AsyncClientCursor(connection) as cursor:
            ((before,),) = await (await cursor.execute(LOOKED_AT)).fetchall()
            found = await (await cursor.execute(statement, parameters)).fetchall()
            ((after,),) = await (await cursor.execute(LOOKED_AT)).fetchall()
        self.looked_at += after - before
        return found

    async def execute(self, statement: Any, parameters: Any) -> None:
        await self._scope.execute(statement, parameters)


class Office:
    """One process that takes the messages of a shop and answers them."""

    def __init__(self, shop: Shop, counted: Counted) -> None:
        self.shop = shop
        self._counted = counted
        self._inbox = PostgresInbox(counted, RandomIds())
        self._worker = Worker(PostgresTurns(counted, RandomIds(), LEASE_SECONDS, **AT_ONCE))

    async def serves(self, addresses: list[str]) -> int:
        """All of them write at once, are answered and receive it; how many rows were looked at for each."""
        before = self._counted.looked_at
        stored = await self._inbox.accept(
            [a_text(self.shop.number, address=address, name="A customer") for address in addresses]
        )
        await asyncio.gather(*(self._answers(one.conversation_id) for one in stored))
        return (self._counted.looked_at - before) // len(addresses)

    async def _answers(self, conversation_id: UUID) -> None:
        turn = await self._worker.begins(conversation_id)
        await self._worker.turns.attach_model_conversation(turn, f"conv_{turn.id}")
        await self._worker.answers(turn, name := f"wamid.of-{turn.id}")
        receipt = a_receipt(self.shop.number, OutboundStatus.DELIVERED, platform_message_id=name)
        assert await self._inbox.record([receipt]) == [ReceiptOutcome.RECORDED]


@pytest.fixture
async def office(database):
    async with (
        postgres_path(database.url, database.url_judge) as path,
        Database(database.url, connections_max=1).opened() as ours,
    ):
        yield Office(await path.a_shop(1_000), Counted(ours))


def years_pass(database, shop: Shop) -> None:
    """The shop has had very many messages, others are being answered now, and the server has not looked again."""
    values = {"user_id": shop.user.id, "phone_number_id": shop.number.id, "agent_id": shop.agent.id}
    with psycopg.connect(database.url_judge) as connection:
        for statement in STATEMENTS:
            connection.execute(statement, {**values, "messages": MESSAGES, "each": A_CONVERSATION})
        connection.execute(UNDER_WAY, [BATCH])


def the_server_looks(database) -> None:
    with psycopg.connect(database.url_owner, autocommit=True) as connection:
        connection.execute("analyze")


@pytest.mark.parametrize("looked", ["never", "on the first day", "lately"])
async def test_a_message_looks_at_few_rows_whatever_the_server_knows_of_the_history(database, office, looked) -> None:
    await office.serves(["4917012345"])
    if looked == "on the first day":
        the_server_looks(database)
        await office.serves(["4917012345"])
    years_pass(database, office.shop)
    if looked == "lately":
        the_server_looks(database)

    assert await office.serves(BATCH) <= LOOKED_AT_MAX
    assert await office.serves(BATCH[:1]) <= LOOKED_AT_MAX


async def test_strangers_look_at_few_rows_too(database, office) -> None:
    await office.serves(["4917012345"])
    the_server_looks(database)
    years_pass(database, office.shop)

    assert await office.serves([f"49152{number:08}" for number in range(40)]) <= LOOKED_AT_MAX
