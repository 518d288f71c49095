"""Workers come and go under load: as many as are needed, all of them replaced, the hung ones killed."""

import os
import signal
import threading
import time

import pytest

from tests.chaos.judge import judge, share, wait_for_quiet
from tests.chaos.load import conversations, deliver_in_batches, write, write_when
from tests.chaos.sizes import size
from tests.rig.house import a_home, running_house
from tests.rig.waiting import until

CREDITS = 100_000
ONE_OR_TWO = {"WORKERS_MIN": "1", "WORKERS_MAX": "2", "UNDECIDED_SECONDS": "5"}
UP_SECONDS_MAX = 5.0
DOWN_SECONDS_MAX = 60.0
TOOTH_SECONDS = 60
ANSWER_SECONDS = 25
"""So long that a tooth's peak has more turns under way than one worker is to have."""
PEAK_PER_SECOND = 15


def test_a_backlog_brings_the_second_worker_and_a_minute_of_quiet_takes_it_away(tell):
    messages = size("backlog", 5_000)
    with a_home() as home, running_house(home, **ONE_OR_TWO) as house:
        tenant = house.tenant(credits=CREDITS)
        assert len(house.workers()) == 1
        written = conversations(messages, 1_000)
        with Watched(house) as watched:
            began = time.monotonic()
            deliver_in_batches(tenant, written, 100)
            accepted = time.monotonic() - began
            wait_for_quiet(tenant, 240)
            quiet = time.monotonic()
            until(lambda: len(watched.changes) > 1, 2 * DOWN_SECONDS_MAX)
        (up_at, most), (down_at, fewest) = watched.changes

        verdict = judge(tenant, written, CREDITS)
        figures = {"second_after": up_at - began, "one_after": down_at - quiet, "accepted": accepted}
        tell(messages=messages, verdict=verdict, load=os.getloadavg()[0], **figures)
        verdict.assert_flawless()
        assert (most, fewest) == (2, 1)
        assert up_at - began <= UP_SECONDS_MAX
        assert down_at - quiet <= DOWN_SECONDS_MAX


@pytest.mark.timeout(1_800)
def test_ten_minutes_of_a_sawtooth_bring_the_second_worker_once(tell):
    seconds = size("sawtooth_seconds", 600)
    dues = sawtooth(seconds)
    with a_home() as home, running_house(home, **ONE_OR_TWO) as house:
        tenants = [house.tenant(credits=CREDITS) for _ in range(2)]  # one number may have no more than 500 in flight
        house.openai.turn(latency_ms=ANSWER_SECONDS * 1_000)
        written = [conversations(len(dues), len(dues)) for _ in tenants]
        with Watched(house) as watched:
            loads = [write_when(tenant, each, dues) for tenant, each in zip(tenants, written, strict=True)]
            for load in loads:
                load.end()
            changes = [count for _, count in watched.changes]

        verdicts = [judge(tenant, each, CREDITS) for tenant, each in zip(tenants, written, strict=True)]
        tell(seconds=seconds, messages=2 * len(dues), changes=changes, load=os.getloadavg()[0])
        for verdict in verdicts:
            verdict.assert_flawless()
        assert changes == [2]


def test_all_workers_are_rolled_again_and_again_under_load(tell):
    messages, per_second, times = size("roll_messages", 2_000), 50, size("rolls", 4)
    with a_home() as home, running_house(home, WORKERS_MAX="2", UNDECIDED_SECONDS="5") as house:
        tenant = house.tenant(credits=CREDITS)
        house.openai.turn(latency_ms=300, latency_spread_ms=200)
        load = write(tenant, conversations(messages, 200), per_second)
        took = []
        for _ in range(times):
            time.sleep(1)
            before, began = set(house.workers_by_id()), time.monotonic()
            house.supervisor().send_signal(signal.SIGHUP)
            until(lambda before=before: is_rolled(house, before), 60)
            took.append(time.monotonic() - began)
        rolled_in_mid_load = not load.is_over
        written = load.end()

        verdict = judge(tenant, written, CREDITS)
        refused = sum(each.refused for each in written)
        figures = {"webhook_p99": load.share(0.99), "longest_roll": max(took), "load": os.getloadavg()[0]}
        tell(messages=messages, rolls=times, verdict=verdict, refused=refused, **figures)
        verdict.assert_flawless()
        assert (verdict.undecided, verdict.unanswered, refused) == (0, 0, 0)
        assert rolled_in_mid_load


def test_workers_that_hang_under_load_are_killed_and_replaced(tell):
    silent, times = 3, size("hangs", 4)
    settings = {"WORKERS_MAX": "2", "WORKER_SILENT_SECONDS_MAX": str(silent), "UNDECIDED_SECONDS": "5"}
    with a_home() as home, running_house(home, **settings) as house:
        tenant = house.tenant(credits=CREDITS)
        house.openai.turn(latency_ms=300, latency_spread_ms=200)
        load = write(tenant, conversations(20 * times * (silent + 4), 100), 20)
        took = []
        for _ in range(times):
            until(lambda: len(house.workers()) == 2, 60)
            time.sleep(1)
            worker_id, hung = next(iter(house.workers_by_id().items()))
            hung.suspend()
            began = time.monotonic()
            until(lambda worker_id=worker_id: is_rolled(house, {worker_id}), 60)
            took.append(time.monotonic() - began)
        written = load.end()

        verdict = judge(tenant, written, CREDITS)
        tell(hangs=times, verdict=verdict, replaced_after=share(sorted(took), 1), load=os.getloadavg()[0])
        verdict.assert_flawless()
        assert max(took) <= silent + 5


def test_workers_that_occupy_too_much_are_replaced_under_load(tell):
    """The bound is below what a fresh one needs: so each of them is one that leaks."""
    messages, settings = size("leak_messages", 1_000), {"WORKERS_MAX": "2", "WORKER_MEMORY_MIB_MAX": "64"}
    with a_home() as home, running_house(home, UNDECIDED_SECONDS="5", **settings) as house:
        tenant = house.tenant(credits=CREDITS)
        house.openai.turn(latency_ms=300, latency_spread_ms=200)
        seen = set(house.workers_by_id())
        load = write(tenant, conversations(messages, 100), 20)
        while not load.is_over:
            time.sleep(0.5)
            seen |= set(house.workers_by_id())
        written = load.end()

        verdict = judge(tenant, written, CREDITS)
        refused = sum(each.refused for each in written)
        tell(messages=messages, replaced=len(seen) - 2, verdict=verdict, refused=refused, load=os.getloadavg()[0])
        verdict.assert_flawless()
        assert (verdict.undecided, verdict.unanswered, refused) == (0, 0, 0)
        assert len(seen) > 2


def is_rolled(house, before):
    """Whether none of those is left and two others are at work."""
    at_work = set(house.workers_by_id())
    return len(at_work) == 2 and not at_work & before


def sawtooth(seconds):
    """When to write: the rate climbs to its peak within a tooth and falls at once."""
    dues, owed = [], 0.0
    for tick in range(10 * seconds):
        owed += PEAK_PER_SECOND * (tick / 10 % TOOTH_SECONDS) / TOOTH_SECONDS / 10
        if owed >= 1:
            dues.append(tick / 10)
            owed -= 1
    return dues


class Watched:
    """Looks at how many workers there are, again and again, and keeps when that changed."""

    def __init__(self, house):
        self._house = house
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.changes = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def _watch(self):
        count = 1
        while not self._is_over.wait(0.1):
            found = len(self._house.workers())
            if found != count:
                count = found
                self.changes.append((time.monotonic(), count))
