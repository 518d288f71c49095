"""kill -9 of random workers under load: nothing lost, twice or out of order, and nobody charged for nothing."""

import contextlib
import random
import time

import psutil

from tests.chaos.judge import judge, recoveries, share
from tests.chaos.load import conversations, write
from tests.chaos.sizes import size
from tests.rig.house import a_home, running_house
from tests.rig.waiting import until

KILL_EVERY_SECONDS = 1.5
CREDITS = 100_000
WORKERS = 2
IN_FLIGHT = """
select t.id from turns t
where t.status = 'open' and t.worker_id = %s
    and not exists (select from messages m where m.turn_id = t.id and m.direction = 'outbound')
"""
"""Where the reply was written down already, it may have been on its way: that would be no recovery."""


def test_workers_killed_at_random_under_load(tell):
    kills, messages, customers = size("kills", 200), size("kill_messages", 2_000), size("kill_customers", 100)
    with a_home() as home, running_house(home, WORKERS_MAX=str(WORKERS), UNDECIDED_SECONDS="5") as house:
        tenant = house.tenant(credits=CREDITS)
        house.openai.turn(latency_ms=300, latency_spread_ms=200)
        load = write(tenant, conversations(messages, customers), messages / (kills * KILL_EVERY_SECONDS))
        struck = [each for _ in range(kills) for each in kill_one(house)]
        written = load.end()

        verdict = judge(tenant, written, CREDITS)

        took = recoveries(tenant, struck)
        figures = {"recovered": len(took), "p50": share(took, 0.5), "p99": share(took, 0.99), "max": share(took, 1)}
        tell(kills=kills, messages=messages, verdict=verdict, in_flight=len(struck), **figures)
        verdict.assert_flawless()
        assert share(took, 0.99) <= 10


def kill_one(house):
    """Kill one of those that work, and say when, and which turns it had in hand."""
    time.sleep(random.uniform(0.5, 2 * KILL_EVERY_SECONDS - 0.5))  # noqa: S311 - nothing secret
    until(house.workers, 60)
    worker_id, victim = random.choice(list(house.workers_by_id().items()))  # noqa: S311 - nothing secret
    with contextlib.suppress(psutil.NoSuchProcess):
        served = house.sql(IN_FLIGHT, worker_id)
        at = time.time()
        victim.kill()
        return [(at, turn_id) for (turn_id,) in served]
    return []
