"""A transaction-mode PgBouncer in front of a server, as hosted Postgres puts it.

`FRONTDESK_TESTS_POOLED=1` lets every test, and every house, reach its database through one: all URLs that the
application's role gets are the pooler's. What must be direct (the owner's URL: migrations) stays so.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from adapters.local import child
from adapters.local.account import server_account
from adapters.local.home import Home
from adapters.local.postgres import LocalPostgres
from adapters.local.roles import bootstrap

# Any client that names the role is let in.
_CONFIGURATION = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = trust
auth_file = {roles}
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 1000
"""
INSTALL = "PgBouncer is not installed: apt install pgbouncer"


def is_asked_for() -> bool:
    """Whether this run wants every database behind a pooler."""
    return os.environ.get("FRONTDESK_TESTS_POOLED") == "1"


def find_pgbouncer() -> str | None:
    """The program, or None where it is not installed. Debian keeps it off an ordinary user's PATH."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")


@contextmanager
def pooled(url: str, connections: int = 8) -> Iterator[str]:
    """The URL of the same database and role behind a pooler; any other database of the server is there by its name.

    There are fewer server connections, to each database, than clients in the tests: they are truly shared.
    """
    account, address = server_account(), urlsplit(url)
    with tempfile.TemporaryDirectory(prefix="frontdesk-tests-") as folder:
        Path(folder).chmod(0o755)
        configuration, log, roles = (Path(folder) / name for name in ("pgbouncer.ini", "pgbouncer.log", "roles"))
        roles.write_text(f'"{address.username}" "{address.password}"\n')

        def launch(port: int) -> child.Child:
            server = {"host": address.hostname, "port": address.port}
            configuration.write_text(
                _CONFIGURATION.format(**server, own_port=port, roles=roles, connections=connections)
            )
            return child.start([_program(), str(configuration)], account, log, signal.SIGTERM)

        def url_at(port: int) -> str:
            return f"postgresql://{address.username}@127.0.0.1:{port}{address.path}"

        server, port = child.start_on_free_port(launch, lambda _, port: _answers(url_at(port)), log)
        try:
            yield url_at(port)
        finally:
            child.stop(server, signal.SIGTERM)


@contextmanager
def pooled_postgres(folder: Path) -> Iterator[dict[str, str]]:
    """The settings of a house that finds a pooler before its database. The data in `folder` survive."""
    home = Home(folder)
    postgres = LocalPostgres(home)
    try:
        url, url_owner = bootstrap(postgres.start(), home.passwords())
        with pooled(url) as url_pooled:
            yield {"DATABASE_URL": url_pooled, "DATABASE_URL_DIRECT": url_owner}
    finally:
        postgres.stop()


def _program() -> str:
    program = find_pgbouncer()
    if program is None:
        raise FileNotFoundError(INSTALL)
    return program


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
