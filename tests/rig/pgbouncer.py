"""A transaction-mode PgBouncer in front of a database, as hosted Postgres puts it."""

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

# Any client may come in and becomes the role of the database's line. There are fewer server connections than
# clients in the tests, so that they are truly shared.
_CONFIGURATION = """
[databases]
{name} = host={host} port={port} dbname={name} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
"""


def find_pgbouncer() -> str | None:
    """The program, or None where it is not installed. Debian keeps it off an ordinary user's PATH."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")


@contextmanager
def pooled(program: str, url: str) -> Iterator[str]:
    """The URL of the same database and role behind a pooler."""
    account, address = server_account(), urlsplit(url)
    with tempfile.TemporaryDirectory(prefix="frontdesk-tests-") as folder:
        Path(folder).chmod(0o755)
        configuration, log = Path(folder) / "pgbouncer.ini", Path(folder) / "pgbouncer.log"

        def launch(port: int) -> child.Child:
            names = {
                "host": address.hostname,
                "port": address.port,
                "name": address.path[1:],
                "own_port": port,
            }
            credentials = {"user": address.username, "password": address.password}
            configuration.write_text(_CONFIGURATION.format(**names, **credentials))
            return child.start([program, str(configuration)], account, log, signal.SIGTERM)

        def url_at(port: int) -> str:
            return f"postgresql://{address.username}@127.0.0.1:{port}{address.path}"

        server, port = child.start_on_free_port(launch, lambda _, port: _answers(url_at(port)), log)
        try:
            yield url_at(port)
        finally:
            child.stop(server, signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
