"""One Postgres for a whole test run, and for each test a database cloned from a migrated template."""

import asyncio
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from adapters.local.home import Home
from adapters.local.postgres import SETTINGS, LocalPostgres
from adapters.local.roles import APP, DATABASE, HOUSE, OWNER, bootstrap
from adapters.persistence.migrations import Migrator, migrations_directory
from tests.rig import pgbouncer

# Nothing here outlives the run, so nothing is waited for on its way to the disk; tests of crashes start a
# server of their own through LocalStores. Vacuum workers would enter the template just when it is cloned.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
_SHARED_BY_WORKERS = {"max_connections": "300"}
_WAITING_FOR_LOCKS = """
select from pg_locks l join pg_stat_activity a using (pid) where a.datname = current_database() and not l.granted
"""


@dataclass(frozen=True, slots=True)
class Database:
    """An empty, migrated database: as the application's login and as the owner of its tables, who both see no row."""

    url: str = field(repr=False)
    url_owner: str = field(repr=False)

    @property
    def url_judge(self) -> str:
        """As one who sees every row, directly: for what happens behind the adapters, and for evidence."""
        return f"{self.url_owner}?options=-c%20role%3D{HOUSE}"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The server of the run, as URLs: what the xdist controller hands to its workers."""

    superuser: str = field(repr=False)
    template: str = field(repr=False)
    template_owner: str = field(repr=False)

    def parcel(self) -> dict[str, str]:
        """The same in types that travel between processes."""
        return asdict(self)

    @contextmanager
    def database(self, template: str = DATABASE) -> Iterator[Database]:
        """A clone of the template, dropped at the end whoever may still be connected."""
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            connection.execute(f"create database {name} template {template} owner {OWNER}")
            try:
                yield Database(_renamed(self.template, name), _renamed(self.template_owner, name))
            finally:
                connection.execute(f"drop database {name} with (force)")


class PostgresOfTheRun:
    """Starts the server, makes the template, and takes both away. Use it from the main thread."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="frontdesk-tests-")
        Path(self._folder.name).chmod(0o711)  # as root the server runs as another user, who must get in
        home = Home(Path(self._folder.name))
        self._server = LocalPostgres(home, SETTINGS | _FAST | _SHARED_BY_WORKERS)
        superuser = self._server.start()
        template, template_owner = bootstrap(superuser, home.passwords())
        Migrator(migrations_directory(), template_owner, APP).up()
        self._pooler = ExitStack()
        if pgbouncer.is_asked_for():
            template = self._pooled(template)
        self.cluster = Cluster(superuser, template, template_owner)

    def stop(self) -> None:
        """Stop the server and remove its data."""
        self._pooler.close()
        self._server.stop()
        self._folder.cleanup()

    def _pooled(self, template: str) -> str:
        """The template's URL behind a pooler that has no connection to it: nobody could clone it else."""
        return _renamed(self._pooler.enter_context(pgbouncer.pooled(_renamed(template, "postgres"))), DATABASE)


async def until_locked_out(database: Database, count: int = 1) -> None:
    """Return when that many transactions in there wait for others."""
    async with (
        asyncio.timeout(10),
        await psycopg.AsyncConnection.connect(database.url_judge, autocommit=True) as looking,
    ):
        while len(await (await looking.execute(_WAITING_FOR_LOCKS)).fetchall()) < count:  # noqa: ASYNC110 - no signal
            await asyncio.sleep(0.01)


def _renamed(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
