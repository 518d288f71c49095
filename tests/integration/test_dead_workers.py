"""Who is dead, seen from their host: the leases of those end, and nobody else's."""

import os
import subprocess
from dataclasses import replace
from datetime import timedelta

import psycopg

from adapters.clock import RandomIds
from adapters.coordination.connection import blocking_redis
from adapters.coordination.dead_workers import forget_workers
from adapters.coordination.turn_queue import WORKERS_KEY
from adapters.persistence.database import Database
from adapters.persistence.dead_workers import end_leases_of_the_dead
from adapters.persistence.turns import PostgresTurns
from domain.conversations import LaneScope
from entrypoints.place import is_gone, this_host, this_place
from tests.builders import an_id

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


async def _joins(url, *places):
    """Workers at those places; their ids."""
    ids = [an_id() for _ in places]
    async with Database(url).opened() as database:
        turns = PostgresTurns(database, RandomIds(), 30, 0, 60, LaneScope.CONVERSATION)
        for worker_id, place in zip(ids, places, strict=True):
            if place is None:
                await turns.renew_lease(worker_id, ())
            else:
                await turns.join(worker_id, place)
    return ids


def _alive(url):
    with psycopg.connect(url) as connection:
        return {worker_id for (worker_id,) in connection.execute("select id from workers")}


def _a_gone_process():
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


async def test_the_dead_of_a_host_lose_their_leases_and_nobody_else(database) -> None:
    here = this_place()
    gone = replace(here, process_id=_a_gone_process())
    other_with_the_same_id = replace(here, started_at=here.started_at - timedelta(minutes=1))
    elsewhere = replace(gone, host="another host")
    alive, dead, reused, stranger, nameless, known = await _joins(
        database.url, here, gone, other_with_the_same_id, elsewhere, None, elsewhere
    )

    ended = end_leases_of_the_dead(database.url, [known], this_host(), is_gone)

    assert set(ended) == {dead, reused, known}
    assert _alive(database.url_judge) == {alive, stranger, nameless}


async def test_a_worker_that_lives_on_may_say_so_again(database) -> None:
    (worker_id,) = await _joins(database.url, this_place())
    end_leases_of_the_dead(database.url, [worker_id], this_host(), is_gone)

    async with Database(database.url).opened() as connected:
        await PostgresTurns(connected, RandomIds(), 30, 0, 60, LaneScope.CONVERSATION).renew_lease(worker_id, ())

    assert _alive(database.url_judge) == {worker_id}


def test_a_store_out_of_reach_is_said_and_not_raised() -> None:
    assert end_leases_of_the_dead(NOWHERE, [an_id()], this_host(), is_gone) is None
    assert forget_workers("redis://127.0.0.1:1/0", [an_id()]) is False


def test_redis_forgets_the_dead_and_nobody_else(redis_url) -> None:
    dead, alive = an_id(), an_id()
    with blocking_redis(redis_url, 0) as client:
        client.hset(WORKERS_KEY, mapping={dead.hex: 1, alive.hex: 1})

        assert forget_workers(redis_url, [dead])
        assert forget_workers(redis_url, [])

        assert client.hkeys(WORKERS_KEY) == [alive.hex.encode()]


def test_a_process_that_ended_and_was_not_waited_for_is_gone() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert is_gone(replace(this_place(), process_id=child.pid))
    assert not is_gone(this_place())
    child.wait()
