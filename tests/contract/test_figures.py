"""Figures: right from what happened, whoever asks and whatever else goes on."""

from uuid import uuid4

import psycopg

from adapters.persistence.figures import MINUTES
from application.ports.figures import Figures
from domain.delivery import Accepted, Refused
from tests.contract.paths import Path


def _sums(minutes) -> tuple[int, int]:
    return sum(one.answered for one in minutes), sum(one.unanswered for one in minutes)


async def test_what_ended_is_counted_by_the_minute_and_by_the_user(path: Path) -> None:
    shop, other, worker = await path.a_shop(9), await path.a_shop(9), await path.a_worker()
    for place in range(3):
        await worker.answers(await worker.begins(await path.writes(shop, address=f"{place}")))
    turn = await worker.begins(await path.writes(shop, address="unlucky"))
    await worker.settles(turn, Refused({"code": 131026}))
    await worker.answers(await worker.begins(await path.writes(other)))
    await worker.begins(await path.writes(other, address="still being answered"))

    figures: Figures = path.figures

    assert _sums(await figures.minutes(shop.user.id, 60)) == (3, 1)
    assert _sums(await figures.minutes(other.user.id, 60)) == (1, 0)
    assert _sums(await figures.minutes(None, 60)) >= (4, 1)
    assert await figures.minutes(uuid4(), 60) == []


async def test_waits_are_counted_from_the_customers_first_message(path: Path) -> None:
    shop, worker = await path.a_shop(9), await path.a_worker()
    conversation_id = await path.writes(shop)
    await path.time.passes(30)
    await worker.answers(await worker.begins(conversation_id))

    (minute,) = [one for one in await path.figures.minutes(shop.user.id, 60) if one.answered]

    assert minute.wait_seconds_p50 is not None
    assert 30 <= minute.wait_seconds_p50 < 90
    assert minute.wait_seconds_p99 == minute.wait_seconds_p50
    assert minute.minute.second == minute.minute.microsecond == 0


async def test_how_long_a_person_took_is_no_wait_of_ours(path: Path) -> None:
    shop, worker = await path.a_shop(9), await path.a_worker()
    conversation_id = await path.writes(shop)
    await path.replies_by_hand.write(shop.user.id, conversation_id, "By hand.", None)
    await worker.settles(await worker.begins(conversation_id), Accepted("wamid.hand"))

    (minute,) = await path.figures.minutes(shop.user.id, 60)

    assert (minute.answered, minute.wait_seconds_p50, minute.wait_seconds_p99) == (1, None, None)


async def test_what_ended_before_is_not_asked_for(path: Path) -> None:
    shop, worker = await path.a_shop(9), await path.a_worker()
    await worker.answers(await worker.begins(await path.writes(shop)))
    await path.time.passes(10 * 60)

    assert _sums(await path.figures.minutes(shop.user.id, 5)) == (0, 0)
    assert _sums(await path.figures.minutes(shop.user.id, 30)) == (1, 0)


async def test_workers_are_seen_with_what_they_have_in_hand_and_dead_ones_as_silent(path: Path) -> None:
    shop, gone, worker = await path.a_shop(9), await path.a_worker(), await path.a_worker()
    await path.time.leases_run_out()
    await worker.turns.renew_lease(worker.id, ())
    await worker.begins(await path.writes(shop))

    seen = {one.id: one for one in await path.figures.workers()}

    assert (seen[worker.id].is_alive, seen[worker.id].turns) == (True, 1)
    assert (seen[gone.id].is_alive, seen[gone.id].turns) == (False, 0)


async def test_only_the_turns_of_the_window_are_read(path_on_postgres: Path, database) -> None:
    await path_on_postgres.a_shop(1)
    with psycopg.connect(database.url_owner) as connection:
        connection.execute("set enable_seqscan = off")
        connection.execute("set role frontdesk_house")
        rows = connection.execute("explain " + MINUTES, (2, None, None)).fetchall()
        plan = "\n".join(row[0] for row in rows)

    assert "turns_ended" in plan, plan
    assert "Index Cond: (ended_at >= " in plan, plan
