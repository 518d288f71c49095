"""The runner that brings the schema up to the files: safe to start many times at once, and to kill any time.

One connection holds the lock, another runs the files. The lock is that of a *transaction* kept open: behind a
transaction-mode pooler a session's lock would leak to whoever gets the server connection next. It is read
committed and idle, so it holds no snapshot, and `create index concurrently` does not wait for it. Those who
poll for the lock end their transaction after each try for the same reason.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.persistence import grants, scopes, unfinished_indexes
from adapters.persistence.migration_files import MigrationError, MigrationFile, Section, read_migrations
from adapters.persistence.reasons import last_reason

_LOCK = 0x46524F4E54  # "FRONT"; advisory locks are counted per database
_POLL_SECONDS = 0.05

# dbmate, run by hand, fills in the version alone: hence the defaults.
_TABLE = """
create table if not exists schema_migrations (
    version text primary key,
    name text not null default '',
    checksum text,
    applied_at timestamptz not null default now()
)
"""


class Migrator:
    """Applies the files of `directory` to the database at `url_direct`, as the owner of its schema.

    `app_role` gets the rights the application needs, unless it is None or the owner itself; both may work as the
    roles that see rows. Every method
    raises `MigrationError`, which never shows the URL.
    """

    def __init__(self, directory: Path, url_direct: str, app_role: str | None) -> None:
        self._directory = directory
        self._url = url_direct
        self._app_role = app_role

    def up(self) -> list[str]:
        """Apply what is pending in the order of the numbers; the names applied. Waits for another's run."""
        with self._locked() as connection:
            connection.execute(_TABLE)
            if self._app_role:
                grants.allow(connection, self._app_role)
            scopes.allow(connection, self._app_role)
            return [self._apply(connection, each) for each in self._pending(connection)]

    def down(self, steps: int = 1) -> list[str]:
        """Take back the last `steps` applied files, the newest first; the names taken back."""
        with self._locked() as connection:
            connection.execute(_TABLE)
            newest = sorted(_applied(connection), reverse=True)[:steps]
            return [_take_back(connection, each) for each in self._files(connection, newest)]

    def pending(self) -> list[str]:
        """The names that `up` would apply now."""
        with self._connected() as connection:
            return [each.name for each in self._pending(connection)]

    def _apply(self, connection: psycopg.Connection, file: MigrationFile) -> str:
        _apply(connection, file)
        # At once, and not behind the last file: the next one may have to see rows.
        scopes.allow(connection, self._app_role)
        return file.name

    def _pending(self, connection: psycopg.Connection) -> list[MigrationFile]:
        applied = _applied(connection)
        files = read_migrations(self._directory)
        for each in files:
            _check_unchanged(each, applied)
        return [each for each in files if each.version not in applied]

    def _files(self, connection: psycopg.Connection, versions: list[str]) -> list[MigrationFile]:
        files = {each.version: each for each in read_migrations(self._directory)}
        for version in versions:
            if version not in files:
                raise MigrationError(f"{version} was applied and has no file here: it cannot be taken back")
            _check_unchanged(files[version], _applied(connection))
        return [files[version] for version in versions]

    @contextmanager
    def _locked(self) -> Iterator[psycopg.Connection]:
        """A connection to work with while no other runner works on the same database."""
        with self._connected() as holder:
            while not _try_to_lock(holder):
                time.sleep(_POLL_SECONDS)
            with self._connected() as connection:
                yield connection

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        try:
            with _connection(self._url) as connection:
                yield connection
        except psycopg.Error as error:
            raise MigrationError(f"the database: {_reason(error)}") from error


def migrations_directory() -> Path:
    """The repository's `migrations` folder, beside `src`. Raises `MigrationError` when there is none."""
    directory = Path(__file__).resolve().parents[3] / "migrations"
    if not directory.is_dir():
        raise MigrationError(f"no folder {directory}: run from a checkout of the repository")
    return directory


def role_of(url: str) -> str | None:
    """The role a database URL connects as, for `app_role`; None when it does not say."""
    return _parsed(url).get("user")


def _parsed(url: str) -> dict[str, str]:
    try:
        return {"connect_timeout": "10"} | {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:  # its text quotes the URL, password and all
        named = "The setting DATABASE_URL or DATABASE_URL_DIRECT"
        raise MigrationError(f"{named} is malformed: it is no connection string.") from None


def _connection(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(
            make_conninfo(**_parsed(url)),
            autocommit=True,
            prepare_threshold=None,  # prepared statements fail behind older poolers
            application_name="frontdesk-migrations",
        )
    except psycopg.Error as error:
        why = last_reason(error)
        raise MigrationError(f"Postgres cannot be reached; check DATABASE_URL or DATABASE_URL_DIRECT: {why}") from error


def _try_to_lock(holder: psycopg.Connection) -> bool:
    holder.execute("begin isolation level read committed")
    # Hosts end idle transactions after minutes, and the lock would go with it in the middle of a long file.
    holder.execute("set local idle_in_transaction_session_timeout = 0")
    # The key stands in the text: a statement with parameters leaves its portal open, and with it a snapshot,
    # for which `create index concurrently` would wait for ever.
    row = holder.execute(f"select pg_try_advisory_xact_lock({_LOCK})".encode()).fetchone()
    locked = bool(row and row[0])
    if not locked:
        holder.execute("rollback")
    return locked


def _applied(connection: psycopg.Connection) -> dict[str, str | None]:
    row = connection.execute("select to_regclass('schema_migrations') is not null").fetchone()
    if not (row and row[0]):
        return {}
    return dict(connection.execute("select version, checksum from schema_migrations").fetchall())


def _check_unchanged(file: MigrationFile, applied: dict[str, str | None]) -> None:
    known = applied.get(file.version)
    if known not in {None, file.checksum}:
        raise MigrationError(f"{file.name}: changed since it was applied; put a change into a new file")


def _apply(connection: psycopg.Connection, file: MigrationFile) -> None:
    row = (file.version, file.name, file.checksum)
    with _running(connection, file.name, file.up):
        connection.execute("insert into schema_migrations (version, name, checksum) values (%s, %s, %s)", row)


def _take_back(connection: psycopg.Connection, file: MigrationFile) -> str:
    if file.down is None:
        raise MigrationError(f"{file.name}: has no `-- migrate:down`, there is no way back")
    with _running(connection, file.name, file.down):
        connection.execute("delete from schema_migrations where version = %s", [file.version])
    return file.name


@contextmanager
def _running(connection: psycopg.Connection, name: str, section: Section) -> Iterator[None]:
    """Run a section and then the body, which notes it; in one transaction if the section allows for one."""
    try:
        if section.in_transaction:
            with connection.transaction():
                # Rather fail than let all traffic queue up behind our wait for a table that is in use.
                connection.execute("set local lock_timeout = '5s'")
                connection.execute(section.sql.encode())
                yield
        else:
            unfinished_indexes.drop(connection, section.sql)
            connection.execute(section.sql.encode())
            yield
    except psycopg.Error as error:
        raise MigrationError(f"{name}{_line(section, error)}: {_reason(error)}") from error


def _line(section: Section, error: psycopg.Error) -> str:
    position = error.diag.statement_position
    return f" line {section.line_first + section.sql.count(chr(10), 0, int(position) - 1)}" if position else ""


def _reason(error: psycopg.Error) -> str:
    return error.diag.message_primary or last_reason(error)
