"""Ending the lease of a worker that is known to be dead, for whoever supervises it."""

from __future__ import annotations

from uuid import UUID

import psycopg

SECONDS_MAX = 5


def end_lease_of(url: str, worker_id: UUID) -> bool:
    """Free at once what a dead worker held, instead of when its lease runs out.

    Safe even when it was not dead: the fence refuses what it still tries to write. False when the store is out
    of reach; then the lease runs out by itself.
    """
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=SECONDS_MAX, prepare_threshold=None) as connection:
            connection.execute("delete from workers where id = %s", (worker_id,))
    except psycopg.Error:
        return False
    return True
