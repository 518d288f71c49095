"""Figures from the turns that ended lately, over the index of when they did; workers from their rows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from adapters.persistence.database import Database
from application.ports.figures import WORKERS_SHOWN_MAX, WorkerSeen
from domain.figures import MinuteFigures

# What a person replied by hand has no price: how long it took says nothing of us. now() and not clock_timestamp():
# only what stays the same while it is asked can be looked up in an index.
MINUTES = """
select date_trunc('minute', t.ended_at), count(*) filter (where t.status = 'answered'),
    count(*) filter (where t.status <> 'answered'),
    percentile_cont(0.5) within group (order by asked.seconds) filter (where t.status = 'answered' and t.price > 0),
    percentile_cont(0.99) within group (order by asked.seconds) filter (where t.status = 'answered' and t.price > 0)
from turns t left join lateral (
    select extract(epoch from t.ended_at - min(m.created_at))::double precision as seconds
    from messages m where m.turn_id = t.id and m.direction = 'inbound'
) asked on true
where t.ended_at >= date_trunc('minute', now()) - %s * interval '1 minute'
    and (%s::uuid is null or t.user_id = %s)
group by 1 order by 1
"""
WORKERS = """
select w.id, w.host, w.process_id, w.started_at, w.lease_until, w.lease_until > clock_timestamp() as is_alive,
    (select count(*) from turns t where t.status = 'open' and t.worker_id = w.id)
from workers w order by is_alive desc, w.started_at, w.id limit %s
"""


class PostgresFigures:
    """Nothing is counted beside what happened anyway."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def minutes(self, user_id: UUID | None, count: int) -> Sequence[MinuteFigures]:
        """The last minutes; see the port."""
        scoped = self._database.house if user_id is None else self._database.of(user_id)
        return [MinuteFigures(*row) for row in await scoped.fetch(MINUTES, (count, user_id, user_id))]

    async def workers(self) -> Sequence[WorkerSeen]:
        """Who is at work; see the port."""
        return [WorkerSeen(*row) for row in await self._database.house.fetch(WORKERS, (WORKERS_SHOWN_MAX,))]
