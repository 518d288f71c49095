"""Messages that wait for credit, and how long they are worth waiting for."""

import asyncio
from uuid import UUID

import psycopg

from domain.conversations import Turn
from tests.contract.paths import Path, Shop

HOUR = 3_600
GIVEN_UP = ("unanswerable", "waited_too_long")
BLOCKED = ("blocked", "insufficient_credits")


async def _is_blocked(path: Path, shop: Shop, text: str, **fields: object) -> UUID:
    worker = await path.a_worker()
    conversation_id = await path.writes(shop, text=text, **fields)
    await worker.turns.begin(conversation_id, worker.id)
    return conversation_id


async def test_a_top_up_resumes_what_is_still_worth_answering_in_order(path: Path) -> None:
    shop, worker = await path.a_shop(0), await path.a_worker()
    await _is_blocked(path, shop, "Yesterday")
    await path.time.passes(24 * HOUR)
    await _is_blocked(path, shop, "Today")
    conversation_id = await _is_blocked(path, shop, "Now")

    await path.world.credits.add(shop.user.id, 1, None, None, blocked_hours_max=24)

    turn = await worker.begins(conversation_id)
    assert [question.text for question in turn.questions] == ["Today", "Now"]
    assert (await path.outcome(shop, conversation_id))[0] == GIVEN_UP


async def test_without_a_limit_a_top_up_resumes_everything(path: Path) -> None:
    shop, worker = await path.a_shop(0), await path.a_worker()
    conversation_id = await _is_blocked(path, shop, "Long ago")
    await path.time.passes(10_000 * HOUR)

    await path.world.credits.add(shop.user.id, 1, None, None)

    assert [question.text for question in (await worker.begins(conversation_id)).questions] == ["Long ago"]


async def test_a_top_up_leaves_what_is_blocked_elsewhere_alone(path: Path) -> None:
    shop, other = await path.a_shop(0), await path.a_shop(0)
    conversation_id = await _is_blocked(path, other, "Hello")
    await path.time.passes(25 * HOUR)

    await path.world.credits.add(shop.user.id, 1, None, None, blocked_hours_max=24)

    assert await path.outcome(other, conversation_id) == [BLOCKED]


async def test_what_was_blocked_too_long_is_given_up_the_oldest_first(path: Path) -> None:
    shop, other = await path.a_shop(0), await path.a_shop(0)
    oldest = await _is_blocked(path, shop, "Hello")
    await path.time.passes(HOUR)
    old = await _is_blocked(path, other, "Hello")
    await path.time.passes(2 * HOUR)
    new = await _is_blocked(path, shop, "Hello", address="another customer")

    assert await path.world.credits.expire_blocked(1.5, 1) == 1
    assert await path.outcome(shop, oldest) == [GIVEN_UP]
    assert await path.outcome(other, old) == [BLOCKED]
    assert await path.world.credits.expire_blocked(1.5, 10) == 1
    assert await path.world.credits.expire_blocked(1.5, 10) == 0
    assert await path.outcome(shop, new) == [BLOCKED]


async def test_only_what_is_blocked_is_given_up(path: Path) -> None:
    shop, worker = await path.a_shop(1), await path.a_worker()
    answered = await path.writes(shop)
    await worker.answers(await worker.begins(answered))
    waiting = await path.writes(shop, address="another customer")
    await path.time.passes(100 * HOUR)

    assert await path.world.credits.expire_blocked(24, 10) == 0
    assert await path.outcome(shop, answered) == [("answered", None), ("sent", None)]
    assert await path.outcome(shop, waiting) == [("received", None)]


async def test_no_turn_begins_with_what_is_being_given_up(path_on_postgres: Path) -> None:
    path = path_on_postgres
    for _ in range(8):
        shop, worker = await path.a_shop(0), await path.a_worker()
        conversation_id = await _is_blocked(path, shop, "Hello")
        await path.time.passes(25 * HOUR)

        _, _, begun, *_ = await asyncio.gather(
            path.world.credits.add(shop.user.id, 1, None, None, blocked_hours_max=24),
            path.world.credits.expire_blocked(24, 10),
            worker.turns.begin(conversation_id, worker.id),
            path.world.credits.expire_blocked(24, 10),
        )

        expected = ("received", None) if isinstance(begun, Turn) else GIVEN_UP
        assert await path.outcome(shop, conversation_id) == [expected]


async def test_a_conversation_that_is_being_written_in_is_left_for_the_next_round(
    path_on_postgres: Path, database
) -> None:
    path = path_on_postgres
    shop = await path.a_shop(0)
    written, free = [await _is_blocked(path, shop, "Hello", address=address) for address in "12"]
    await path.time.passes(25 * HOUR)

    async with await psycopg.AsyncConnection.connect(database.url_judge) as writer:
        await writer.execute("select from conversations where id = %s for no key update", (written,))
        assert await path.world.credits.expire_blocked(24, 10) == 1
        assert await path.outcome(shop, free) == [GIVEN_UP]

    assert await path.world.credits.expire_blocked(24, 10) == 1
