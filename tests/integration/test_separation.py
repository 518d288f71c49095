"""What one user's work can see and write, when the statement itself asks for everything."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest

from adapters.persistence.database import Database as Pool
from tests.builders import a_prompt, a_user, an_api_key
from tests.contract.paths import Path, Shop, postgres_path
from tests.rig import pgbouncer
from tests.rig.pgbouncer import find_pgbouncer, pooled
from tests.rig.postgres import Database

TENANTS = 20
TRANSACTIONS = 1_000
SERVER_CONNECTIONS = 3

TABLES = """
select c.relname, c.relrowsecurity and c.relforcerowsecurity,
    c.relname = 'users' or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id'),
    array(
        select (p.polname, p.polroles::regrole[]::text[], p.polcmd)::text
        from pg_policy p where p.polrelid = c.oid order by p.polname
    )
from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
    and c.relname <> 'schema_migrations'
order by c.relname
"""
OF_THE_HOUSE = "(of_the_house,{frontdesk_house},*)"
OF_THE_USER = "(of_the_user,{frontdesk_tenant},*)"
EXCEPTIONS = {
    # Read by the phone numbers that are connected to the account.
    "channel_notices": [OF_THE_HOUSE, "(of_the_user,{frontdesk_tenant},r)"],
    # Cascades note keys here, on behalf of whoever they run as.
    "media_to_delete": ["(noted_by_anybody,{-},a)", OF_THE_HOUSE],
    # A user's top-up ends an alert of theirs.
    "alert_deliveries": ["(noted_by_anybody,{-},a)", OF_THE_HOUSE],
    "erasures": ["(noted_by_anybody,{-},a)", OF_THE_HOUSE],
}


@pytest.fixture
async def path(database: Database) -> AsyncIterator[Path]:
    async with postgres_path(database.url, database.url_judge) as path:
        yield path


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    async with Pool(database.url).opened() as pool:
        yield pool


@pytest.fixture
async def two_shops(path: Path) -> tuple[Shop, Shop]:
    """Two businesses that each have all that a message and its answer leave behind."""
    shops = await path.a_shop(), await path.a_shop()
    for shop in shops:
        worker = await path.a_worker()
        await worker.answers(await worker.begins(await path.writes(shop)))
        await path.world.prompts.add(a_prompt(shop.user.id))
    return shops


def test_every_table_is_kept_apart_and_none_is_forgotten(database: Database) -> None:
    with psycopg.connect(database.url_owner) as owner:
        tables = owner.execute(TABLES).fetchall()

    assert len(tables) >= 24
    for name, is_forced, has_owner, policies in tables:
        usual = [OF_THE_HOUSE, OF_THE_USER] if has_owner else [OF_THE_HOUSE]
        assert (name, is_forced, policies) == (name, True, EXCEPTIONS.get(name, usual))


def test_the_application_can_neither_pass_by_the_policies_nor_change_them(database: Database) -> None:
    rights = "select rolsuper or rolbypassrls or rolcreaterole from pg_roles where rolname = any (%s)"
    owned = """
        select count(*) from pg_class
        where relnamespace = current_schema()::regnamespace and pg_has_role(relowner, 'usage')
    """
    roles = ["frontdesk_app", "frontdesk_owner", "frontdesk_tenant", "frontdesk_house", "frontdesk_scopes"]

    with psycopg.connect(database.url) as app:
        assert app.execute("select current_user").fetchone() == ("frontdesk_app",)
        assert app.execute(rights, (roles,)).fetchall() == [(False,)] * len(roles)
        assert app.execute(owned).fetchone() == (0,)


async def test_whoever_does_not_say_for_whom_sees_nothing(two_shops, database: Database) -> None:
    everything = _rows(database.url_judge)

    assert {name for name, count in everything.items() if count} >= {"users", "messages", "turns", "credit_entries"}
    assert set(_rows(database.url).values()) == {0}
    assert set(_rows(database.url_owner).values()) == {0}
    assert set(_rows(database.url, "set local role frontdesk_tenant").values()) == {0}


async def test_a_forgotten_where_returns_the_users_own_rows(two_shops, pool: Pool) -> None:
    first, second = (shop.user.id for shop in two_shops)

    for name in [name for name, _, has_owner, _ in await pool.house.fetch(TABLES, ()) if has_owner]:
        statement = f"select distinct {'id' if name == 'users' else 'user_id'} from {name}"  # noqa: S608 - our own names
        everybody = {user_id for (user_id,) in await pool.house.fetch(statement, ())}
        for user_id in (first, second):
            seen = {user_id for (user_id,) in await pool.of(user_id).fetch(statement, ())}
            assert (name, seen) == (name, {user_id} & everybody)


async def test_another_users_rows_cannot_be_changed(two_shops, pool: Pool) -> None:
    first, second = (shop.user.id for shop in two_shops)

    changed = await pool.of(first).fetch("update customers set name = 'gone' returning user_id", ())
    removed = await pool.of(first).fetch("delete from messages returning user_id", ())

    assert {user_id for (user_id,) in changed + removed} == {first}
    assert await pool.of(second).fetch("select name from customers", ()) == [("Kim",)]
    assert await pool.of(second).fetch("select count(*) from messages", ()) == [(2,)]


@pytest.mark.parametrize(
    "statement",
    [
        "update prompts set user_id = %s",
        "insert into alerts (user_id, kind, subject, detail) values (%s, 'queue_overflow', 'x', 'x')",
        "insert into kept_answers (name, user_id, answer) values (sha256('x'), %s, '')",
    ],
)
async def test_nothing_is_written_in_another_users_name(two_shops, pool: Pool, statement) -> None:
    first, second = (shop.user.id for shop in two_shops)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        await pool.of(first).execute(statement, (second,))  # without rows: those would be refused as not to be seen


async def test_no_end_of_a_transaction_leaves_its_scope_behind(two_shops, database: Database) -> None:
    async with Pool(database.url, connections_max=1).opened() as pool:
        for scope in (pool.of(two_shops[0].user.id), pool.house):
            await scope.fetch("select", ())
            assert await _unscoped(pool) == ("frontdesk_app", None, 0)
            async with scope.transaction():
                pass
            assert await _unscoped(pool) == ("frontdesk_app", None, 0)
            with pytest.raises(psycopg.errors.DivisionByZero):
                await scope.fetch("select 1 / 0", ())
            assert await _unscoped(pool) == ("frontdesk_app", None, 0)
            with pytest.raises(ZeroDivisionError):
                async with scope.transaction():
                    raise ZeroDivisionError
            assert await _unscoped(pool) == ("frontdesk_app", None, 0)


async def test_an_erased_user_takes_all_rows_along_and_nobody_elses(two_shops, path: Path, database: Database) -> None:
    first, second = two_shops
    before = _rows(
        database.url_judge, f"set local frontdesk.user_id = '{second.user.id}'; set local role frontdesk_tenant"
    )

    await path.world.users.erase(first.user.id)

    with psycopg.connect(database.url_judge) as judge:
        assert judge.execute("select id from users").fetchall() == [(second.user.id,)]
    after = _rows(database.url_judge)
    assert {name: after[name] for name in before if before[name]} == {name: n for name, n in before.items() if n}


@pytest.mark.skipif(find_pgbouncer() is None, reason=pgbouncer.INSTALL)
async def test_a_thousand_interleaved_transactions_behind_a_pooler_cross_no_row(path: Path, database: Database) -> None:
    users = [a_user() for _ in range(TENANTS)]
    for user in users:
        await path.world.users.add(user, an_api_key(user.id))

    with _behind_a_pooler(database) as url:
        async with Pool(url, connections_max=TENANTS).opened() as pool:
            servers = set().union(*await asyncio.gather(*(_works_on(pool, user.id) for user in users)))
            rows = await pool.house.fetch("select user_id, subject, detail from alerts", ())

    assert len(servers) <= 8 < TENANTS
    assert len(rows) == TRANSACTIONS
    assert not [row for row in rows if str(row[0]) != row[2]]


async def _works_on(pool: Pool, user_id: UUID) -> set[int]:
    """A user's share, one after the other, while the others do theirs; which servers it was done on."""
    return set().union(*[await _works(pool, user_id, each) for each in range(TRANSACTIONS // TENANTS)])


async def _works(pool: Pool, user_id: UUID, each: int) -> set[int]:
    """A transaction between whose steps the others go on; a statement alone, one of the house's, one of nobody's."""
    async with pool.of(user_id).transaction() as connection:
        server, seen = await _server_and_users(connection)
        assert seen <= {user_id}
        insert = "insert into alerts (user_id, kind, subject, detail) values (%s, 'queue_overflow', %s, %s)"
        await connection.execute(insert, (user_id, f"{user_id} {each}", f"{user_id}"))
        await asyncio.sleep(0)
        same_server, seen = await _server_and_users(connection)
        assert (server, seen) == (same_server, {user_id})
    alone = await pool.of(user_id).fetch("select pg_backend_pid(), array_agg(distinct id) from users", ())
    assert alone[0][1] == [user_id]
    ((users,),) = await pool.house.fetch("select count(*) from users", ())
    assert users == TENANTS
    assert await _unscoped(pool) == ("frontdesk_app", None, 0)
    return {server, alone[0][0]}


async def _unscoped(pool: Pool) -> tuple[str, UUID | None, int]:
    """Who a connection is that somebody used before, for whom it works, and how many users it sees."""
    async with pool._pool.connection() as connection:
        cursor = await connection.execute("select current_user, user_in_scope(), (select count(*) from users)")
        ((role, user_id, count),) = await cursor.fetchall()
        return role, user_id, count


async def _server_and_users(connection: psycopg.AsyncConnection) -> tuple[int, set[UUID]]:
    cursor = await connection.execute("select pg_backend_pid(), array(select distinct user_id from alerts)")
    ((server, users),) = await cursor.fetchall()
    return server, set(users)


@contextmanager
def _behind_a_pooler(database: Database) -> Iterator[str]:
    if pgbouncer.is_asked_for():
        yield database.url
        return
    with pooled(database.url, SERVER_CONNECTIONS) as url:
        yield url


def _rows(url: str, choice: str = "") -> dict[str, int]:
    """How many rows of each table whoever connects there sees."""
    with psycopg.connect(url) as connection:
        names = [name for name, *_ in connection.execute(TABLES).fetchall()]
        if choice:
            connection.execute(choice)
        return {name: connection.execute(f"select count(*) from {name}").fetchone()[0] for name in names}  # noqa: S608
