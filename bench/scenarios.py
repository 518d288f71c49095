"""The questions.

How fast at most, how late at 100 a second, how many additions to one account, what an idle house costs, how soon one is
there, how many quiet conversations are read, how fast and in how much memory runs are exported.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.evidence import Evidence, Verdict
from bench.exports import Export, export_all
from bench.house import House
from bench.leads import Leads, read_all
from bench.lists import Lists, lists, refused_in
from bench.load import CREATED, OK, Delivered, Offer, closed_loop, make_additions, make_offers, open_loop
from bench.meters import Meters, Reading

OFFERED_PER_SECOND = 100
MODEL_MILLISECONDS = 2_000
SAYS = 5
ADDITIONS_IN_FLIGHT = 16
DRAIN_SECONDS_MAX = 120.0
LOOK_AGAIN_SECONDS = 0.05
FEW = 20
Drive = Callable[[], Awaitable[list[Delivered]]]


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything: the default run, or the quick one."""

    messages: int
    rounds: int
    in_flight: int
    offered_seconds: float
    idle_seconds: float
    exported_rows: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch under load: what was delivered, what the outside saw, what it cost, how long it took to the end."""

    delivered: list[Delivered]
    sent: dict[str, float]
    verdict: Verdict
    cost: Reading
    seconds: float
    generator_cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Throughput:
    """A closed loop at zero model latency; times are in milliseconds of CPU for each message."""

    name: str
    messages_per_second: float
    runs: list[float]
    cpu_ms: dict[str, float]
    generator_cpu_ms: float
    writes: float
    commits: float
    commands: float
    commands_of_clients: float
    lost: int
    doubled: int
    refused: int


@dataclass(frozen=True, slots=True)
class Offered:
    """An open loop at a fixed rate with a slow model. `added` is what Frontdesk adds to the model's time."""

    per_second: int
    model_ms: int
    seconds: float
    seconds_behind: float
    ack_ms: dict[str, float]
    added_ms: dict[str, float]
    cpu_ms: dict[str, float]
    worker_rss_mib: list[float]
    lost: int
    doubled: int
    refused: int


@dataclass(frozen=True, slots=True)
class Idle:
    """A house with nothing to do, for each second."""

    commands: float
    commands_of_clients: float
    commits: float
    writes: float
    cpu_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Start:
    """From the command to the ready file on an empty folder; and `frontdesk say`, warm."""

    ready_seconds: float
    say_seconds: float


@dataclass(frozen=True, slots=True)
class Additions:
    """Credits added to one user, one at a time, each request under a key of its own, `in_flight` at once.

    `lost` and `doubled` are credits: what the balance lacks, or has too much.
    """

    in_flight: int
    per_second: float
    runs: list[float]
    ack_ms: dict[str, float]
    cpu_ms: dict[str, float]
    lost: int
    doubled: int
    refused: int


class Bench:
    """The scenarios over one house. Customers and marks are never used twice unless a scenario means it."""

    def __init__(self, house: House, meters: Meters, scale: Scale) -> None:
        self._house = house
        self._meters = meters
        self._scale = scale
        self._runs = 0
        self._customers = 0

    async def warm_up(self) -> None:
        """Open connections and fill caches, outside of all figures."""
        offers = self._offers(200, self._new_customers(100), 100)
        await self._stretch(lambda: closed_loop(self._house, offers, 16), offers, one_each=False)

    async def throughput(self) -> list[Throughput]:
        """Three kinds of customers, in turn, so that a slow spell of the machine strikes all of them."""
        count, stretches = self._scale.messages, dict[str, list[Stretch]]()
        for _ in range(self._scale.rounds):
            first = self._new_customers(count)
            for name, offers in (
                ("new customers", self._offers(count, first, count)),
                ("known customers", self._offers(count, first, count)),
                (f"{FEW} customers", self._offers(count, self._new_customers(FEW), FEW)),
            ):
                stretches.setdefault(name, []).append(
                    await self._closed(offers, one_each=not name.startswith(str(FEW)))
                )
        return [_throughput(name, runs) for name, runs in stretches.items()]

    async def offered(self) -> Offered:
        """Messages by the clock, whatever becomes of them."""
        count = int(self._scale.offered_seconds * OFFERED_PER_SECOND)
        offers = self._offers(count, self._new_customers(count), count)
        self._house.turn_knobs("openai", latency_ms=MODEL_MILLISECONDS)
        stretch = await self._stretch(lambda: open_loop(self._house, offers, OFFERED_PER_SECOND), offers, one_each=True)
        self._house.turn_knobs("openai", latency_ms=0)
        return _offered(stretch, self._scale.offered_seconds, self._meters.rss_mib("worker"))

    async def lists(self) -> list[Lists]:
        """Pages of a long list, the first and a deep one, at both doors."""
        return [
            Lists(
                name=name,
                door=door,
                stored=stored,
                per_second=len(fast.delivered) / fast.seconds,
                taken_ms=percentiles([one.ack_seconds for one in clock.delivered]),
                cpu_ms=_milliseconds(fast.cost, len(fast.delivered)),
                refused=refused_in(fast, clock),
            )
            for name, door, stored, fast, clock in await lists(self._house, self._meters, self._scale.messages)
        ]

    async def credits(self) -> Additions:
        """POST …/credits/add on one user, as fast as they are answered."""
        in_flight, before, balance = ADDITIONS_IN_FLIGHT, self._meters.read(), self._house.balance()
        rates, delivered = list[float](), list[Delivered]()
        for _ in range(self._scale.rounds):
            self._runs += 1
            additions = make_additions(self._house, f"a{self._runs}", self._scale.messages)
            began = time.monotonic()
            delivered += await closed_loop(self._house, additions, in_flight)
            rates.append(len(additions) / (time.monotonic() - began))
        refused = sum(each.status != CREATED for each in delivered)
        off = self._house.balance() - balance - (len(delivered) - refused)
        return Additions(
            in_flight=in_flight,
            per_second=statistics.median(rates),
            runs=rates,
            ack_ms=percentiles([each.ack_seconds for each in delivered]),
            cpu_ms=_milliseconds(self._meters.read().since(before), len(delivered)),
            lost=max(0, -off),
            doubled=max(0, off),
            refused=refused,
        )

    async def idle(self) -> Idle:
        """Nothing happens."""
        seconds, before = self._scale.idle_seconds, self._meters.read()
        await asyncio.sleep(seconds)
        cost = self._meters.read().since(before)
        return Idle(
            commands=cost.commands / seconds,
            commands_of_clients=cost.commands_of_clients / seconds,
            commits=cost.commits / seconds,
            writes=cost.writes / seconds,
            cpu_ms=_milliseconds(cost, seconds),
        )

    async def leads(self) -> Leads:
        """Many conversations went quiet at once."""
        before, ready = self._meters.read(), self._house.ready
        read, failed, seconds = await read_all(ready["database_url"], ready["demo_user_id"], self._scale.messages)
        return Leads(read, failed, seconds, _milliseconds(self._meters.read().since(before), max(read, 1)))

    async def exports(self) -> list[Export]:
        """A history that is long, as CSV and as JSON Lines."""
        return await asyncio.to_thread(lambda: list(export_all(self._house, self._meters, self._scale.exported_rows)))

    async def start(self) -> Start:
        """How long a newcomer waits."""
        self._house.say("Warm up")
        says = [self._house.say(f"Hello {number}") for number in range(SAYS)]
        return Start(self._house.start_seconds, statistics.median(says))

    async def _closed(self, offers: list[Offer], *, one_each: bool) -> Stretch:
        return await self._stretch(
            lambda: closed_loop(self._house, offers, self._scale.in_flight), offers, one_each=one_each
        )

    async def _stretch(self, drive: Drive, offers: list[Offer], *, one_each: bool) -> Stretch:
        evidence, before = Evidence(self._house), self._meters.read()
        began, own = time.monotonic(), time.process_time()
        delivered = await drive()
        own = time.process_time() - own
        await self._drained(evidence)
        seconds, cost = time.monotonic() - began, self._meters.read().since(before)
        marks = [offer.mark for offer in offers]
        verdict = evidence.verdict_on_replies(marks) if one_each else evidence.verdict_on_conversations(marks)
        return Stretch(delivered, evidence.sent(), verdict, cost, seconds, own)

    async def _drained(self, evidence: Evidence) -> None:
        """Return when nothing is under way any more, or after DRAIN_SECONDS_MAX: the verdict then tells."""
        deadline = time.monotonic() + DRAIN_SECONDS_MAX
        while self._meters.open_work() or evidence.under_way():
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def _offers(self, count: int, first_customer: int, customers: int) -> list[Offer]:
        self._runs += 1
        return make_offers(self._house, f"r{self._runs}", count, customers=customers, first_customer=first_customer)

    def _new_customers(self, count: int) -> int:
        self._customers += count
        return self._customers - count


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Milliseconds at the percentiles that are shown."""
    ordered = sorted(seconds)
    places = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: 1_000 * ordered[round(place * (len(ordered) - 1))] for name, place in places.items()}


def _throughput(name: str, runs: list[Stretch]) -> Throughput:
    rates = [len(run.delivered) / run.seconds for run in runs]
    costs = [(run.cost, len(run.delivered)) for run in runs]
    return Throughput(
        name=name,
        messages_per_second=statistics.median(rates),
        runs=rates,
        cpu_ms=_medians([_milliseconds(cost, count) for cost, count in costs]),
        generator_cpu_ms=statistics.median(1_000 * run.generator_cpu_seconds / len(run.delivered) for run in runs),
        writes=statistics.median(cost.writes / count for cost, count in costs),
        commits=statistics.median(cost.commits / count for cost, count in costs),
        commands=statistics.median(cost.commands / count for cost, count in costs),
        commands_of_clients=statistics.median(cost.commands_of_clients / count for cost, count in costs),
        lost=sum(run.verdict.lost for run in runs),
        doubled=sum(run.verdict.doubled for run in runs),
        refused=sum(_refused(run) for run in runs),
    )


def _offered(stretch: Stretch, seconds: float, rss_mib: list[float]) -> Offered:
    due = {each.mark: each.due for each in stretch.delivered}
    taken = [sent - due[mark] for mark, sent in stretch.sent.items() if mark in due]
    return Offered(
        per_second=OFFERED_PER_SECOND,
        model_ms=MODEL_MILLISECONDS,
        seconds=seconds,
        seconds_behind=stretch.seconds - seconds - MODEL_MILLISECONDS / 1_000,
        ack_ms=percentiles([each.ack_seconds for each in stretch.delivered]),
        added_ms=percentiles([each - MODEL_MILLISECONDS / 1_000 for each in taken]),
        cpu_ms=_milliseconds(stretch.cost, len(stretch.delivered)),
        worker_rss_mib=rss_mib,
        lost=stretch.verdict.lost,
        doubled=stretch.verdict.doubled,
        refused=_refused(stretch),
    )


def _refused(stretch: Stretch) -> int:
    return sum(each.status != OK for each in stretch.delivered)


def _milliseconds(cost: Reading, parts: float) -> dict[str, float]:
    return {kind: 1_000 * seconds / parts for kind, seconds in cost.cpu_seconds.items()}


def _medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {kind: statistics.median(row[kind] for row in rows) for kind in rows[0]}
