"""How much is to be done, in one statement over partial indexes: Redis, whose commands are billed, is not asked."""

from __future__ import annotations

from adapters.persistence.database import Database
from domain.scaling import BacklogSize

COUNTED_MAX = 10_000

SIZE = """
with answerable as materialized (
    select m.created_at, c.id as conversation_id
    from messages m
    join conversations c on c.id = m.conversation_id
    join phone_numbers n on n.id = c.phone_number_id
    where m.status = 'received' and m.turn_id is null
        and m.created_at <= clock_timestamp() - %(quiet)s * interval '1 second'
        and c.status = 'active' and c.agent_id is not null
        and (c.paused_until is null or c.paused_until <= clock_timestamp())
        and n.status = 'active'
    order by m.created_at limit %(most)s
)
select
    (select count(*) from answerable),
    -- Who writes on while a worker answers waits for that answer, and not for a worker.
    coalesce((
        select extract(epoch from clock_timestamp() - a.created_at)::float8 - %(quiet)s from answerable a
        where not exists (select from turns t where t.conversation_id = a.conversation_id and t.status = 'open')
        order by a.created_at limit 1
    ), 0),
    (select count(*) from turns t join workers w on w.id = t.worker_id
     where t.status = 'open' and w.lease_until > clock_timestamp())
"""


class PostgresBacklog:
    """Counts rows. `quiet_seconds` is how long a customer is let write before an answer begins."""

    def __init__(self, database: Database, quiet_seconds: float) -> None:
        self._database = database
        self._quiet_seconds = quiet_seconds

    async def size(self) -> BacklogSize:
        """How much there is; see the port."""
        parameters = {"quiet": self._quiet_seconds, "most": COUNTED_MAX}
        ((waiting, oldest_seconds, in_flight),) = await self._database.house.fetch(SIZE, parameters)
        return BacklogSize(waiting, oldest_seconds, in_flight)
