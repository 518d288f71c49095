"""Providers are out, or more comes than can be done: the webhook is as quick as ever, and the backlog goes."""

import time

import psutil

from tests.chaos.judge import judge, wait_for_quiet
from tests.chaos.load import conversations, write
from tests.chaos.sizes import size
from tests.rig.house import a_home, running_house

CREDITS = 100_000
MEDIAN_SECONDS_MAX = 0.25
P99_SECONDS_MAX = 1.0
BACKLOG_SECONDS_MAX = 60.0
GROWTH_BYTES_MAX = 50 * 2**20
TRIAL_CUSTOMERS = 200


def test_openai_is_out_and_then_meta(tell):
    out, per_second = size("outage_seconds", 60), 10
    with a_home() as home, running_house(home, WORKERS_MAX="2", UNDECIDED_SECONDS="5") as house:
        tenant = house.tenant(credits=CREDITS)
        written = conversations(per_second * (2 * out + 15), 100)
        load = write(tenant, written, per_second)
        with house.openai.turned(outage=True, outage_kind="unavailable"):
            time.sleep(out)
        time.sleep(10)
        with house.meta.turned(outage=True, outage_kind="unavailable"):
            time.sleep(out)
        began = time.monotonic()
        load.end()
        wait_for_quiet(tenant, 2 * BACKLOG_SECONDS_MAX)
        backlog = time.monotonic() - began

        verdict = judge(tenant, written, CREDITS)
        tell(
            messages=len(written),
            webhook_p50=load.share(0.5),
            webhook_p99=load.share(0.99),
            backlog_gone_after=backlog,
            verdict=verdict,
        )
        verdict.assert_flawless()
        assert verdict.unanswered == 0
        assert load.share(0.5) <= MEDIAN_SECONDS_MAX
        assert load.share(0.99) <= P99_SECONDS_MAX
        assert backlog <= BACKLOG_SECONDS_MAX


def test_twice_as_much_comes_as_can_be_done(tell):
    seconds = size("overload_seconds", 60)
    with a_home() as home, running_house(home, WORKERS_MAX="2") as house:
        capacity = capacity_of(house)
        tenant = house.tenant(credits=CREDITS)
        before = memory_of(house)
        written = conversations(round(2 * capacity * seconds), 500)

        load = write(tenant, written, 2 * capacity)
        load.end()

        growth = max(memory_of(house)[pid] - size_ for pid, size_ in before.items())
        verdict = judge(tenant, written, CREDITS)
        tell(
            capacity=capacity,
            messages=len(written),
            webhook_p50=load.share(0.5),
            webhook_p99=load.share(0.99),
            growth_mb=growth / 2**20,
            verdict=verdict,
        )
        verdict.assert_flawless()
        assert load.share(0.5) <= MEDIAN_SECONDS_MAX
        assert load.share(0.99) <= P99_SECONDS_MAX
        assert growth <= GROWTH_BYTES_MAX


def capacity_of(house):
    """Messages a second, from their first webhook to the last reply, when all come at once."""
    tenant = house.tenant(credits=CREDITS)
    began = time.monotonic()
    write(tenant, conversations(2 * TRIAL_CUSTOMERS, 2 * TRIAL_CUSTOMERS), 10_000).end()
    while len(tenant.sends()) < 2 * TRIAL_CUSTOMERS:
        time.sleep(0.1)
    return 2 * TRIAL_CUSTOMERS / (time.monotonic() - began)


def memory_of(house):
    """What each of our own processes holds; the simulators keep journals and may grow."""
    ours = [each for each in psutil.Process(house.process.pid).children() if "simulate" not in each.cmdline()]
    return {each.pid: each.memory_info().rss for each in ours}
