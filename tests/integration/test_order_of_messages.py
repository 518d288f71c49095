"""Lists are sorted by time: within a conversation that must be the order of the numbers, whoever had to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg

from application.pages import PageRequest
from application.ports.conversations import MessageFilter
from domain.conversations import Message
from tests.contract.paths import Path, Shop, a_reply, a_text, postgres_path
from tests.rig.postgres import Database, until_locked_out


async def _listed(path: Path, shop: Shop) -> Sequence[Message]:
    return (await path.world.conversations.messages(shop.user.id, MessageFilter(), PageRequest(200))).items


async def test_a_message_that_waited_stands_behind_the_reply_that_was_written_meanwhile(database: Database) -> None:
    async with postgres_path(database.url, database.url_judge) as path:
        shop, worker = await path.a_shop(), await path.a_worker()
        turn = await worker.begins(await path.writes(shop))

        async with await psycopg.AsyncConnection.connect(database.url_judge) as holding:
            await holding.execute("select from customers where user_id = %s for update", (shop.user.id,))
            writing = asyncio.create_task(path.writes(shop, text="And on Sunday?"))
            await until_locked_out(database)
            await worker.turns.record_reply(turn, a_reply())
            await holding.rollback()
        await writing

        listed = await _listed(path, shop)
        assert [message.direction for message in listed] == ["inbound", "outbound", "inbound"]
        assert [message.sequence_number for message in listed] == [1, 2, 3]
        with psycopg.connect(database.url_judge) as judge:
            assert judge.execute("select id from messages where status_at < created_at").fetchall() == []


async def test_messages_that_come_at_once_stand_in_the_order_of_their_numbers(database: Database) -> None:
    async with postgres_path(database.url, database.url_judge) as path:
        shop = await path.a_shop()

        await path.inbox.accept([a_text(shop.number, text=str(number)) for number in range(50)])

        listed = await _listed(path, shop)
        assert [message.text for message in listed] == [str(number) for number in range(50)]
        assert [message.sequence_number for message in listed] == list(range(1, 51))
