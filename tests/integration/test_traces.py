"""The way of a message, read from the rows that the real ports left behind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.persistence.alerts import PostgresAlerts
from adapters.persistence.database import Database as Pool
from adapters.persistence.traces import PostgresTraces
from domain.delivery import Ambiguous
from domain.monitoring import AlertKind
from domain.shared import NotFound
from domain.traces import Obstacle, Stage, trace_of
from tests.builders import an_id
from tests.contract.paths import Path, a_receipt, a_reply, postgres_path
from tests.rig.postgres import Database


@pytest.fixture
async def path(database: Database) -> AsyncIterator[Path]:
    async with postgres_path(database.url, database.url_judge) as path:
        yield path


@pytest.fixture
async def traces(database: Database) -> AsyncIterator[PostgresTraces]:
    async with Pool(database.url).opened() as pool:
        yield PostgresTraces(pool, undecided_seconds=60)


async def test_an_answered_message_and_its_reply_tell_one_story(path, traces):
    shop, worker = await path.a_shop(5), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = await worker.answers(turn, "wamid.reply")
    await path.inbox.record([a_receipt(shop.number, "delivered", platform_message_id="wamid.reply")])
    question, _ = await path.messages(shop)

    asked = trace_of(await traces.facts(shop.user.id, question.id))
    answered = trace_of(await traces.facts(shop.user.id, reply.parts[0].message_id))

    stages = [step.stage for step in asked.steps]
    for earlier, later in (
        (Stage.RECEIVED, Stage.HELD),
        (Stage.HELD, Stage.GENERATED),
        (Stage.GENERATED, Stage.CAPTURED),
    ):
        assert stages.index(earlier) < stages.index(later)
    assert Stage.DELIVERED in stages
    assert (asked.reason, asked.reply_ids) == (None, (reply.parts[0].message_id,))
    assert answered.turn_id == asked.turn_id == turn.id


async def test_a_message_that_waits_is_told_to_wait(path, traces):
    shop = await path.a_shop(5)
    await path.writes(shop)
    (question,) = await path.messages(shop)

    facts = await traces.facts(shop.user.id, question.id)

    assert (facts.obstacle, facts.turn, facts.overflowed_at) == (Obstacle.QUEUED, None, None)


async def test_a_message_behind_a_reply_in_doubt_is_told_what_it_waits_for(path, traces):
    shop, worker = await path.a_shop(5), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)
    await worker.settles(turn, Ambiguous({}))
    await path.writes(shop, text="Hello?")
    *_, question = await path.messages(shop)

    assert (await traces.facts(shop.user.id, question.id)).obstacle is Obstacle.IN_DOUBT
    await path.inbox.record([a_receipt(shop.number, "sent", message_id=reply.parts[0].message_id)])
    assert (await traces.facts(shop.user.id, question.id)).obstacle is Obstacle.QUEUED


async def test_what_came_while_the_queue_was_full_says_so(path, traces, database):
    shop = await path.a_shop(5)
    await _full_queue(database, shop)
    await path.writes(shop)
    (question,) = await path.messages(shop)

    facts = await traces.facts(shop.user.id, question.id)

    assert facts.overflowed_at is not None


async def test_a_strangers_message_has_no_trace(path, traces):
    shop, stranger = await path.a_shop(5), await path.a_shop(5)
    await path.writes(shop)
    (question,) = await path.messages(shop)
    for user_id, message_id in ((stranger.user.id, question.id), (shop.user.id, an_id())):
        with pytest.raises(NotFound):
            await traces.facts(user_id, message_id)


async def _full_queue(database: Database, shop) -> None:
    async with Pool(database.url).opened() as pool:
        await PostgresAlerts(pool).raise_alert(AlertKind.QUEUE_OVERFLOW, str(shop.number.id), None, "It is full.")
