"""What stands in a house's Postgres, as one who sees every row."""

from threading import Lock
from typing import Any

import psycopg


class Evidence:
    """One connection for all looks: tests look many times a second, and to come in costs more than to look."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection | None = None
        self._one_at_a_time = Lock()

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What the statement answers. Raises psycopg.OperationalError while the server is away."""
        with self._one_at_a_time:
            connection = self._open()
            with connection.transaction():
                connection.execute("set local role frontdesk_house")
                cursor = connection.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> psycopg.Connection:
        """A server that was killed meanwhile has hung up, which only shows when it is asked."""
        try:
            if self._connection is not None:
                self._connection.execute("select 1")
                return self._connection
        except psycopg.OperationalError:
            self.close()
        self._connection = psycopg.connect(self._url, autocommit=True, prepare_threshold=None)  # there may be a pooler
        return self._connection
