"""The runner that brings the schema up to the files, safe to start many times at once and to kill at any point.

One connection holds the lock, another runs the files. The lock is an advisory one of a *transaction* kept open:
behind a transaction-mode pooler a session's lock would leak to whoever gets the server connection next. The
transaction is read committed and idle, so it holds no snapshot, and `create index concurrently` does not wait for
it; those who poll for the lock end their transaction after each try for the same reason.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from adapters.persistence import grants, unfinished_indexes
from adapters.persistence.migration_files import MigrationError, MigrationFile, Section, read_migrations

_LOCK = 0x46524F4E54  # "FRONT"; advisory locks are counted per database
_POLL_SECONDS = 0.05
_LOCK_TIMEOUT = "5s"  # for a table somebody uses: failing is better than all traffic queueing up behind us

_TABLE = """
create table if not exists schema_migrations (
    version text primary key,
    name text not null default '',  -- defaults, because dbmate fills in the version alone
    checksum text,
    applied_at timestamptz not null default now()
)
"""


class Migrator:
    """Applies the files of `directory` to the database at `url_direct`, as the owner of its schema.

    `app_role` is granted what the application needs, unless it is None or the owner itself. Every method raises
    `MigrationError`, which never shows the URL.
    """

    def __init__(self, directory: Path, url_direct: str, app_role: str | None) -> None:
        self._directory = directory
        self._url = url_direct
        self._app_role = app_role

    def up(self) -> list[str]:
        """Apply what is pending, in the order of the numbers; the names applied. Waits while another one runs."""
        with self._locked() as connection:
            connection.execute(_TABLE)
            if self._app_role:
                grants.allow(connection, self._app_role)
            return [self._apply(connection, each) for each in self._pending(connection)]

    def down(self, steps: int = 1) -> list[str]:
        """Take back the last `steps` applied files, the newest first; the names taken back."""
        with self._locked() as connection:
            connection.execute(_TABLE)
            return [self._take_back(connection, each) for each in self._newest_applied(connection, steps)]

    def pending(self) -> list[str]:
        """The names that `up` would apply now."""
        with self._connected() as connection:
            return [each.name for each in self._pending(connection)]
