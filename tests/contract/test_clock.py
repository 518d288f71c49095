from datetime import UTC, timedelta

import pytest

from adapters.clock import RandomIds, SystemClock
from application.ports.clock import Clock, Ids
from tests.fakes.clock import CountingIds, FrozenClock


@pytest.fixture(params=["frozen", "system"])
def clock(request) -> Clock:
    return FrozenClock() if request.param == "frozen" else SystemClock()


@pytest.fixture(params=["counting", "random"])
def ids(request) -> Ids:
    return CountingIds() if request.param == "counting" else RandomIds()


def test_the_time_bears_its_zone(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC


async def test_after_sleeping_it_is_later_by_as_much(clock: Clock) -> None:
    before = clock.now()

    await clock.sleep(0.02)

    assert clock.now() - before >= timedelta(seconds=0.019)


def test_ids_are_of_version_7_and_all_different(ids: Ids) -> None:
    made = [ids.new() for _ in range(1_000)]

    assert len(set(made)) == 1_000
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}


async def test_ids_sort_by_the_time_they_were_made(ids: Ids) -> None:
    made = []
    for _ in range(5):
        made.append(ids.new())
        await SystemClock().sleep(0.002)  # they count milliseconds

    assert made == sorted(made)


def test_chance_lies_between_nought_and_one(ids: Ids) -> None:
    assert all(0 <= ids.fraction() < 1 for _ in range(1_000))
