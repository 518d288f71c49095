"""A statement that the server gives up for another's sake is done all the same, and nobody hears of it."""

import asyncio

import psycopg
import pytest

from adapters.persistence.database import Database
from tests.rig.waiting import until

ONE, OTHER, GATE = 1, 2, 3
LOCK = "select pg_advisory_xact_lock(%s)"
LOCKED = f"select pg_advisory_xact_lock({ONE}), pg_advisory_xact_lock({GATE}), pg_advisory_xact_lock({OTHER}), 'done'"
WAITING = """
select count(*) from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())
"""


@pytest.fixture
async def connect(database, cluster):
    """A connection to the database as who may say how soon deadlocks are looked for."""
    connections = []

    async def connect():
        name = psycopg.conninfo.conninfo_to_dict(database.url_owner)["dbname"]
        connection = await psycopg.AsyncConnection.connect(cluster.superuser, dbname=name, autocommit=True)
        connections.append(connection)
        return connection

    yield connect
    for connection in connections:
        await connection.close()


async def _until_waiting(database, count):
    def look():
        with psycopg.connect(database.url_owner) as connection:
            until(lambda: connection.execute(WAITING).fetchone() == (count,))

    await asyncio.to_thread(look)


async def test_it_is_tried_again_when_it_was_given_up_for_another(database, connect):
    gatekeeper, other = await connect(), await connect()
    await gatekeeper.execute("select pg_advisory_lock(%s)", [GATE])
    await other.execute("set deadlock_timeout = '60s'")  # whoever looks first is given up
    async with Database(database.url).opened() as pool:
        ours = asyncio.create_task(pool.house.fetch(LOCKED, ()))
        await _until_waiting(database, 1)
        async with other.transaction():
            await other.execute(LOCK, [OTHER])
            theirs = asyncio.create_task(other.execute(LOCK, [ONE]))
            await _until_waiting(database, 2)

            await gatekeeper.execute("select pg_advisory_unlock(%s)", [GATE])

            await theirs

        ((*_, done),) = await ours
        assert done == "done"
