"""Who is to be told of alerts, in memory; and destinations that take what they are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from application.ports.alert_deliveries import NotDelivered
from domain.alert_deliveries import AlertDelivery, AlertEvent, Destination
from tests.fakes.memory_store import AlertNote, MemoryStore


class MemoryAlertDeliveries:
    """What stands in the store, by when it is due. Alerts of users that are gone are told to nobody."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def claim(self, destination: Destination, lease_seconds: float, limit: int) -> Sequence[AlertDelivery]:
        now = self._store.clock.now()
        noted = self._store.alert_deliveries
        due = [
            name for name, one in noted.items() if name[2] is destination and one.due_at <= now and self._is_next(name)
        ]
        due = sorted(due, key=lambda name: noted[name].due_at)[:limit]
        for name in due:
            until = now + timedelta(seconds=lease_seconds)
            noted[name] = replace(noted[name], due_at=until, attempts=noted[name].attempts + 1)
        return [self._delivery(name) for name in due]

    def _is_next(self, name: AlertNote) -> bool:
        alert_id, event, destination = name
        alert = self._store.alerts[alert_id]
        is_there = alert.user_id is None or alert.user_id in self._store.users
        opening = (alert_id, AlertEvent.OPENED, destination)
        return is_there and (event is AlertEvent.OPENED or opening not in self._store.alert_deliveries)

    def _delivery(self, name: AlertNote) -> AlertDelivery:
        alert_id, event, destination = name
        noted = self._store.alert_deliveries[name]
        age = (self._store.clock.now() - noted.noted_at).total_seconds()
        return AlertDelivery(self._store.alerts[alert_id], event, destination, noted.attempts, age)

    async def done(self, delivery: AlertDelivery) -> None:
        self._store.alert_deliveries.pop(_name(delivery), None)

    async def put_off(self, delivery: AlertDelivery, seconds: float) -> None:
        noted = self._store.alert_deliveries
        due_at = self._store.clock.now() + timedelta(seconds=seconds)
        noted[_name(delivery)] = replace(noted[_name(delivery)], due_at=due_at)

    async def drop(self, destination: Destination) -> None:
        for name in [name for name in self._store.alert_deliveries if name[2] is destination]:
            del self._store.alert_deliveries[name]


class ToldSender:
    """Takes what it is told, except while it `is_down`."""

    def __init__(self) -> None:
        self.is_down = False
        self.told: list[AlertDelivery] = []

    async def send(self, delivery: AlertDelivery) -> None:
        if self.is_down:
            raise NotDelivered("It answered 503.")
        self.told.append(delivery)


def _name(delivery: AlertDelivery) -> AlertNote:
    return delivery.alert.id, delivery.event, delivery.destination
