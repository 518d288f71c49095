"""Many conversations of one user meet the last credit at once: one gets it, and the account says so at all times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest

from application.ports.turns import NoTurn, WaitingFilter
from domain.conversations import Turn
from tests.chaos.sizes import size
from tests.contract.paths import Path, Shop, Worker, postgres_path
from tests.rig.postgres import Database

ROUNDS = size("last_credit_rounds", 20)
"""`make chaos` plays 200."""
AT_ONCE = 32
POOLS = 8
"""Each with three connections: so many transactions truly meet."""

ACCOUNT = """
select a.balance, a.held, sum(e.balance_change)::int, sum(e.held_change)::int,
    array_agg(e.kind order by e.id)
from credit_accounts a join credit_entries e using (user_id) where user_id = %s group by user_id
"""
OPEN = "select conversation_id from turns where user_id = %s and status = 'open' order by begun_at"
STATUSES = "select status, count(*)::int from messages where user_id = %s group by 1 order by 1"


@pytest.fixture
async def path(database: Database) -> AsyncIterator[Path]:
    async with postgres_path(database.url, database.url_judge, POOLS) as path:
        yield path


@pytest.mark.timeout(600)
async def test_the_last_credit_is_given_once(path: Path, database: Database) -> None:
    workers = [await path.a_worker() for _ in range(AT_ONCE)]
    with psycopg.connect(database.url_judge, autocommit=True) as judge:
        for _ in range(ROUNDS):
            shop = await path.a_shop(1)
            conversations = [await path.writes(shop, address=f"49170{number}") for number in range(AT_ONCE)]

            first = await _begun_by_one(workers, conversations)

            assert _seen(judge, shop) == ((1, 1, 1, 1, ["add", "hold"]), [first], {"blocked": 31, "received": 1})
            assert path.find_broken() == []
            await _one_more_resumes_the_oldest(path, judge, shop, workers[0], [*conversations], first)


async def _begun_by_one(workers: list[Worker], conversations: list[UUID]) -> UUID:
    """Each worker begins one conversation, all at once; the one that got the credit."""
    pairs = zip(workers, conversations, strict=True)
    found = await asyncio.gather(*(worker.turns.begin(each, worker.id) for worker, each in pairs))
    (turn,) = [each for each in found if isinstance(each, Turn)]
    assert [each for each in found if each is not turn] == [NoTurn.BLOCKED] * (AT_ONCE - 1)
    return turn.conversation_id


async def _one_more_resumes_the_oldest(
    path: Path, judge: psycopg.Connection, shop: Shop, worker: Worker, conversations: list[UUID], first: UUID
) -> None:
    conversations.remove(first)
    await path.world.credits.add(shop.user.id, 1, None, None)
    waiting = await worker.turns.waiting(WaitingFilter(user_id=shop.user.id), AT_ONCE)
    assert [each.conversation_id for each in waiting] == conversations

    found = await asyncio.gather(*(worker.turns.begin(each.conversation_id, worker.id) for each in waiting))

    assert isinstance(found[0], Turn)
    assert found[1:] == [NoTurn.BLOCKED] * (AT_ONCE - 2)
    account = (2, 2, 2, 2, ["add", "hold", "add", "hold"])
    assert _seen(judge, shop) == (account, [first, conversations[0]], {"blocked": 30, "received": 2})
    assert path.find_broken() == []


def _seen(judge: psycopg.Connection, shop: Shop) -> tuple[object, ...]:
    """Account and ledger, who is being answered, and how many messages are in which state."""
    (account,) = judge.execute(ACCOUNT, (shop.user.id,)).fetchall()
    began = [conversation_id for (conversation_id,) in judge.execute(OPEN, (shop.user.id,))]
    return account, began, dict(judge.execute(STATUSES, (shop.user.id,)).fetchall())
