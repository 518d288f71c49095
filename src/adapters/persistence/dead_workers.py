"""Ending the leases of workers that are known to be dead, for whoever supervises them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from uuid import UUID

import psycopg

from adapters.persistence.database import AS_HOUSE
from application.ports.turns import Place

SECONDS_MAX = 5

PLACES = """
select id, host, process_id, started_at from workers
where host = %s and process_id is not null and started_at is not null
"""


def end_leases_of_the_dead(
    url: str, known: Collection[UUID], host: str, is_gone: Callable[[Place], bool]
) -> Collection[UUID] | None:
    """Free at once what dead workers held, instead of when their leases run out.

    Dead are those that are `known` to be, and those of the host whose process `is_gone`. Safe even when one was not:
    the fence refuses what it still tries to write. Returns whose leases were ended; None when the store is out of
    reach: then they run out by themselves.
    """
    try:
        with psycopg.connect(url, connect_timeout=SECONDS_MAX, prepare_threshold=None) as connection:
            connection.execute(AS_HOUSE)
            rows = connection.execute(PLACES, (host,)).fetchall()
            dead = {*known, *(worker_id for worker_id, *place in rows if is_gone(Place(*place)))}
            connection.execute("delete from workers where id = any (%s)", (list(dead),))
    except psycopg.Error:
        return None
    return dead
