"""Figures of the whole house, read from Postgres when somebody asks: every machine tells the same ones.

Bounded: queues of the longest few phone numbers, and the sums over all of them.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from adapters.persistence.database import Database
from adapters.telemetry.collected import registry_of
from application.ports.backlog import Backlog
from domain.shared import Unavailable

NUMBERS_MAX = 20
FRESH_SECONDS = 5.0
"""Who asks more often is told the same again."""
SECONDS_MAX = 3.0
BURIED_SECONDS = 10.0
"""Entries of the ledger are counted when they are so old: an earlier one may still be on its way to the store."""

QUEUES = """
with waiting as (
    select c.phone_number_id, count(*) as depth, extract(epoch from clock_timestamp() - min(m.created_at)) as oldest
    from messages m join conversations c on c.id = m.conversation_id
    where m.status = 'received' and m.turn_id is null group by 1
), working as (
    select phone_number_id, count(*) as turns from turns where status = 'open' group by 1
)
select phone_number_id::text, coalesce(depth, 0), coalesce(oldest, 0)::float8, coalesce(turns, 0)
from waiting full join working using (phone_number_id) order by 2 desc, 4 desc, 1
"""
LEFT = """
select (select count(*) from unclaimed_messages),
    (select count(*) from messages where status = 'blocked'),
    (select count(*) from turns where status = 'undecided'),
    (select count(*) from workers where lease_until > clock_timestamp()),
    (select count(*) from workers where lease_until <= clock_timestamp())
"""
ALERTS = "select kind, count(*) from alerts where resolved_at is null group by kind"
CREDITS = "select coalesce(sum(balance), 0)::float8, coalesce(sum(held), 0)::float8 from credit_accounts"
LAST_ENTRY = "select coalesce(max(id), 0) from credit_entries"
ENTRIES = """
select kind, sum(amount)::float8, max(id) from credit_entries
where id > %s and created_at < clock_timestamp() - %s * interval '1 second' group by kind
"""


class HouseFigures:
    """Reads them, at most every FRESH_SECONDS. When the store is out of reach there are none, and a zero says so."""

    def __init__(self, database: Database, backlog: Backlog) -> None:
        self._database = database
        self._backlog = backlog
        self._movements: Counter[str] = Counter()
        self._last_entry: int | None = None
        self._read_at = float("-inf")
        self._registry = CollectorRegistry()
        self._alone = asyncio.Lock()

    async def read(self) -> CollectorRegistry:
        """The figures as they stand, or stood a moment ago."""
        async with self._alone:
            if time.monotonic() - self._read_at > FRESH_SECONDS:
                self._registry = registry_of(await self._families())
                self._read_at = time.monotonic()
        return self._registry

    async def _families(self) -> list[Metric]:
        try:
            async with asyncio.timeout(SECONDS_MAX):
                told = [*await self._queues(), *await self._sums(), *await self._left(), *await self._credits()]
                return [*told, _is_told(1)]
        except (Unavailable, TimeoutError):
            return [_is_told(0)]

    async def _queues(self) -> list[Metric]:
        rows = await self._database.house.fetch(QUEUES, ())
        names = ("depth", "oldest_seconds", "turns")
        told = ("Messages that wait", "Seconds that the oldest has waited", "Turns under way")
        queues = [
            GaugeMetricFamily(f"frontdesk_queue_{name}", f"{text}, by phone number: the longest.", labels=["number"])
            for name, text in zip(names, told, strict=True)
        ]
        for number, *values in rows[:NUMBERS_MAX]:
            for queue, value in zip(queues, values, strict=True):
                queue.add_metric([number], float(value))
        return [*queues]

    async def _sums(self) -> list[Metric]:
        """Over all numbers, what workers could do now: the very figures by which workers are scaled."""
        size = await self._backlog.size()
        return [
            GaugeMetricFamily("frontdesk_waiting_messages", "Messages that wait for a worker.", value=size.waiting),
            GaugeMetricFamily(
                "frontdesk_waiting_oldest_seconds",
                "How long the oldest that no worker has in hand has waited.",
                value=size.oldest_seconds,
            ),
            GaugeMetricFamily("frontdesk_open_turns", "Turns in the hands of living workers.", value=size.in_flight),
        ]

    async def _left(self) -> list[Metric]:
        ((unclaimed, blocked, undecided, living, silent),) = await self._database.house.fetch(LEFT, ())
        alerts = GaugeMetricFamily("frontdesk_alerts_open", "Alerts whose cause lasts.", labels=["kind"])
        for kind, count in await self._database.house.fetch(ALERTS, ()):
            alerts.add_metric([kind], count)
        return [
            GaugeMetricFamily("frontdesk_unclaimed_messages", "Messages of unregistered numbers.", value=unclaimed),
            GaugeMetricFamily("frontdesk_blocked_messages", "Messages that wait for credit.", value=blocked),
            GaugeMetricFamily("frontdesk_undecided_turns", "Replies of unknown fate.", value=undecided),
            GaugeMetricFamily("frontdesk_workers_alive", "Workers with a lease.", value=living),
            GaugeMetricFamily("frontdesk_workers_silent", "Workers whose lease has run out.", value=silent),
            alerts,
        ]

    async def _credits(self) -> list[Metric]:
        ((balance, held),) = await self._database.house.fetch(CREDITS, ())
        await self._count_movements()
        movements = CounterMetricFamily("frontdesk_credits", "Credits moved since this process began.", labels=["kind"])
        for kind in ("add", "hold", "capture", "release", "refund"):
            movements.add_metric([kind], self._movements[kind])
        return [
            GaugeMetricFamily("frontdesk_credits_balance", "Credits that users own.", value=balance),
            GaugeMetricFamily("frontdesk_credits_held", "Credits promised to turns under way.", value=held),
            movements,
        ]

    async def _count_movements(self) -> None:
        if self._last_entry is None:
            ((self._last_entry,),) = await self._database.house.fetch(LAST_ENTRY, ())
        for kind, amount, last in await self._database.house.fetch(ENTRIES, (self._last_entry, BURIED_SECONDS)):
            self._movements[kind] += amount
            self._last_entry = max(self._last_entry or 0, last)


def _is_told(value: int) -> Metric:
    return GaugeMetricFamily("frontdesk_store_answers", "Whether Postgres told the house's figures.", value=value)
