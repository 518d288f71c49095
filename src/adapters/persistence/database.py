"""The pool of connections, and the one place where the driver's errors become ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeAlias
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncClientCursor, AsyncConnection, sql
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from adapters.persistence.reasons import last_reason
from domain.shared import Unavailable

set_json_loads(msgspec.json.decode)  # a fifth of what the standard library takes, for every row of a list

# Nothing asked here runs long enough to be worth compiling. The server goes by estimates: half a second it compiled for
# a batch of turns that then took ten milliseconds.
_UNCOMPILED = "set_config('jit', 'off', true)"
AS_TENANT = f"select {_UNCOMPILED}, set_config('role', 'frontdesk_tenant', true)"
AS_HOUSE = f"select {_UNCOMPILED}, set_config('role', 'frontdesk_house', true)"

GIVEN_UP = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
"""The server gave a transaction up for the sake of another: nothing of it is left, and it can be tried again."""
TRIES_MAX = 5

Statement: TypeAlias = LiteralString | sql.Composable
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]


class Database:
    """A pool of connections to one database, as the application's role, which itself sees no row: choose for whom.

    Nothing here depends on a session: no SET, no session locks, no server-side PREPARE, so that a pooler in
    transaction mode may stand between.
    """

    def __init__(self, url: str, *, connections_max: int = 8, name: str = "frontdesk") -> None:
        self._url = url
        self._pool = AsyncConnectionPool(
            url,
            open=False,
            min_size=1,
            max_size=connections_max,
            timeout=10.0,
            max_idle=240.0,  # a serverless database cuts idle connections after five minutes
            max_lifetime=1_800.0,
            configure=_read_json_quickly,
            reconnect_timeout=4.0,  # its pauses double: given 60 seconds, it sleeps for 30 beside a server that is back
            kwargs={
                "autocommit": True,  # most calls are one statement, and one statement needs no BEGIN and COMMIT
                "prepare_threshold": None,  # prepared statements fail behind older poolers
                "connect_timeout": 10,
                "keepalives_idle": 30,
                "application_name": name,
            },
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Database]:
        """Open the pool, and close it at the end. Raises Unavailable when no connection can be made."""
        await self._knock()
        try:
            await self._pool.open(wait=True, timeout=10.0)
        except PoolTimeout as error:
            await self._pool.close()
            raise Unavailable("Postgres cannot be reached; check DATABASE_URL and that the server runs.") from error
        try:
            yield self
        finally:
            await self._pool.close()

    async def _knock(self) -> None:
        """Connect once by hand: the pool would go on trying, and say in the end neither why nor where."""
        try:
            connection = await AsyncConnection.connect(self._url, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise Unavailable(f"Postgres cannot be reached; check DATABASE_URL: {last_reason(error)}") from error
        await connection.close()

    def pool_size(self) -> tuple[int, int, int]:
        """How many connections there are, how many are idle, and how many calls wait for one."""
        stats = self._pool.get_stats()
        return stats.get("pool_size", 0), stats.get("pool_available", 0), stats.get("requests_waiting", 0)

    def of(self, user_id: UUID) -> Scope:
        """The database as that user's work may see it: the rows of others are not there, and cannot be written."""
        return Scope(self._pool, f"{AS_TENANT}, set_config('frontdesk.user_id', '{user_id.hex}', true)")

    @property
    def house(self) -> Scope:
        """The database as the work for all users together sees it: what arrives, turns, chores, the administrator."""
        return Scope(self._pool, AS_HOUSE)


async def _read_json_quickly(connection: AsyncConnection[TupleRow]) -> None:
    """With the standard library's reader, JSON is half of what a row of an export costs; this one takes a seventh."""
    set_json_loads(msgspec.json.Decoder().decode, connection)


class Scope:
    """Connections as one of the two roles that see rows, chosen anew in each transaction.

    The choice is local to the transaction, so that a pooler in transaction mode may stand between, and it travels
    with what is sent anyway: it costs no message of its own.
    """

    def __init__(self, pool: AsyncConnectionPool, choice: str) -> None:
        self._pool = pool
        self._choice = choice

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A connection in one transaction: committed on a clean exit, rolled back on any exception.

        Raises Unavailable when the server is out of reach; what a statement was refused for (a constraint) comes as
        psycopg raised it, for the caller to name.
        """
        async with self._connection() as connection:
            await connection.execute(f"begin; {self._choice}".encode())
            yield connection

    async def fetch(self, statement: Statement, parameters: Parameters) -> list[TupleRow]:
        """All rows of one statement, its own transaction; again when it was given up. Raises as `transaction` does."""
        async with self._connection() as connection, AsyncClientCursor(connection) as cursor:
            await self._run(cursor, statement, parameters)
            return await cursor.fetchall()

    async def execute(self, statement: Statement, parameters: Parameters) -> None:
        """Run one statement without rows, as `fetch` does."""
        async with self._connection() as connection, AsyncClientCursor(connection) as cursor:
            await self._run(cursor, statement, parameters)

    async def _run(self, cursor: AsyncClientCursor[TupleRow], statement: Statement, parameters: Parameters) -> None:
        """Choice and statement in one message, which makes them one transaction; the results of the second."""
        composed = statement if isinstance(statement, sql.Composable) else sql.SQL(statement)
        both = sql.SQL("; ").join((sql.SQL(self._choice), composed))
        for tries_left in reversed(range(TRIES_MAX)):
            try:
                await cursor.execute(both, parameters)
                break
            except GIVEN_UP:
                if not tries_left:
                    raise
        cursor.nextset()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A connection of the pool, which ends what was begun: commits, or rolls back on an exception."""
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise Unavailable("Postgres does not answer.") from error
