"""What a crash in the middle of `create index concurrently` leaves behind: an INVALID index of that name.

`if not exists` would take it for the real one, so it is dropped before the statement runs again.
"""

import re
import time

import psycopg

_BUILT = re.compile(r"create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?([\w.\"]+)", re.IGNORECASE)
_POLL_SECONDS = 0.1


def drop(connection: psycopg.Connection, statements: str) -> None:
    """Drop the INVALID indexes among those that `statements` build."""
    for name in _BUILT.findall(statements):
        _wait_for_builder(connection, name)
        if _is_invalid(connection, name):
            connection.execute(f"drop index concurrently {name}".encode())


def _wait_for_builder(connection: psycopg.Connection, name: str) -> None:
    # The server goes on building for a runner that was killed. Dropping meanwhile would deadlock with it.
    building = "select from pg_stat_progress_create_index where index_relid = to_regclass(%s)"
    while connection.execute(building, [name]).fetchone() is not None:
        time.sleep(_POLL_SECONDS)


def _is_invalid(connection: psycopg.Connection, name: str) -> bool:
    invalid = "select from pg_index where indexrelid = to_regclass(%s) and not indisvalid"
    return connection.execute(invalid, [name]).fetchone() is not None
