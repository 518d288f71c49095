"""Who is to be told of alerts. The schema's triggers note it when an alert opens or ends; it is worked off here."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.persistence.database import Database
from domain.alert_deliveries import AlertDelivery, AlertEvent, Destination
from domain.monitoring import Alert, AlertKind

CLAIM = """
with claimed as (
    update alert_deliveries d set due_at = clock_timestamp() + %(lease)s * interval '1 second', attempts = attempts + 1
    where d.destination = %(destination)s and (d.alert_id, d.event) in (
        select due.alert_id, due.event from alert_deliveries due
        where due.destination = %(destination)s and due.due_at <= clock_timestamp()
            and not (due.event = 'resolved' and exists (
                select from alert_deliveries earlier
                where earlier.alert_id = due.alert_id and earlier.destination = due.destination
                    and earlier.event = 'opened'
            ))
        order by due.due_at limit %(limit)s for update skip locked
    )
    returning d.*
)
select c.event, c.attempts, extract(epoch from clock_timestamp() - c.noted_at)::double precision,
    a.id, a.user_id, a.kind, a.subject, a.detail, a.opened_at, a.last_seen_at, a.resolved_at, a.times
from claimed c join alerts a on a.id = c.alert_id order by c.noted_at
"""
DONE = "delete from alert_deliveries where alert_id = %s and event = %s and destination = %s"
PUT_OFF = """
update alert_deliveries set due_at = clock_timestamp() + %s * interval '1 second'
where alert_id = %s and event = %s and destination = %s
"""
DROP = "delete from alert_deliveries where destination = %s"


class PostgresAlertDeliveries:
    """One row for each thing to be told. A claim is committed before anybody is told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, destination: Destination, lease_seconds: float, limit: int) -> Sequence[AlertDelivery]:
        """What is due; see the port."""
        wanted = {"destination": destination, "lease": lease_seconds, "limit": limit}
        rows = await self._database.house.fetch(CLAIM, wanted)
        return [
            AlertDelivery(Alert(id_, owner, AlertKind(kind), *rest), AlertEvent(event), destination, attempts, age)
            for event, attempts, age, id_, owner, kind, *rest in rows
        ]

    async def done(self, delivery: AlertDelivery) -> None:
        """It is told; see the port."""
        await self._database.house.execute(DONE, _name(delivery))

    async def put_off(self, delivery: AlertDelivery, seconds: float) -> None:
        """It is tried again later; see the port."""
        await self._database.house.execute(PUT_OFF, (seconds, *_name(delivery)))

    async def drop(self, destination: Destination) -> None:
        """Nobody is to be told; see the port."""
        await self._database.house.execute(DROP, (destination,))


def _name(delivery: AlertDelivery) -> tuple[object, ...]:
    return delivery.alert.id, delivery.event, delivery.destination
