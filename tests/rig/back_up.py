"""Back-ups as docs/deploying.md tells to make them, and servers to restore them on."""

import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from adapters.local.account import server_account
from adapters.local.binaries import find_postgres
from adapters.local.home import Home
from adapters.local.postgres import LocalPostgres
from adapters.local.roles import bootstrap
from tests.rig.postgres import Database


@contextmanager
def role_for_back_ups(superuser: str) -> Iterator[str]:
    """A login that may read everything, and nothing else; its URL."""
    name, password = f"frontdesk_backup_{secrets.token_hex(4)}", secrets.token_hex(8)
    with psycopg.connect(superuser, autocommit=True) as administrator:
        administrator.execute(f"create role {name} login bypassrls password '{password}'".encode())
        administrator.execute(f"grant pg_read_all_data to {name}".encode())
        try:
            address = urlsplit(superuser)
            yield urlunsplit(address._replace(netloc=f"{name}:{password}@{address.netloc.rpartition('@')[2]}"))
        finally:
            administrator.execute(f"drop role {name}".encode())


@contextmanager
def fresh_server() -> Iterator[Database]:
    """A server where the roles are made and the database is empty."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-tests-") as folder:
        Path(folder).chmod(0o711)
        home = Home(Path(folder))
        server = LocalPostgres(home)
        try:
            yield Database(*bootstrap(server.start(), home.passwords()))
        finally:
            server.stop()


def dump(url: str, file: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """`pg_dump`, of the same version as the server's."""
    return _run("pg_dump", "--format=custom", f"--file={file}", *flags, f"--dbname={url}")


def restore(file: Path, url_owner: str) -> subprocess.CompletedProcess[str]:
    """`pg_restore` as the owner of the tables to be."""
    return _run(
        "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={url_owner}", str(file)
    )


def in_database(url: str, database: str) -> str:
    """The URL with the name of another database."""
    return urlunsplit(urlsplit(url)._replace(path=urlsplit(database).path))


def _run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    path = find_postgres(server_account(), None).path.with_name(program)
    return subprocess.run([path, *words], capture_output=True, text=True, check=False)
