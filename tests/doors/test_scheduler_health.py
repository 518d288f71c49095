"""The scheduler's own door: whether rounds of chores end, and whether they are done."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from application.measuring import BEHIND_SECONDS, STUCK_SECONDS
from entrypoints.health_door import create_health_app
from tests.fakes.clock import FrozenClock


@pytest.fixture
def clock(house) -> FrozenClock:
    """The time by which it judges."""
    clock = FrozenClock()
    house.application.check_chores.clock = clock
    return clock


@pytest.fixture
async def door(house) -> AsyncIterator[TestClient]:
    app = create_health_app(house.application, "chores", house.application.check_chores)
    async with TestClient(TestServer(app)) as client:
        yield client


async def states(door) -> tuple[int, int, dict[str, str]]:
    """Whether it is live and ready, and what it says of each part."""
    live, ready = await door.get("/health/live"), await door.get("/health/ready")
    dependencies = (await ready.json())["dependencies"]
    return live.status, ready.status, {name: state["status"] for name, state in dependencies.items()}


async def test_before_the_first_round_it_is_neither(door):
    assert await states(door) == (503, 503, {"postgres": "ok", "chores": "unavailable"})


async def test_while_rounds_are_done_it_is_both_and_it_tells_the_metrics(door, house, clock):
    house.application.check_chores.note(is_done=True)
    clock.advance(BEHIND_SECONDS - 1)

    assert await states(door) == (200, 200, {"postgres": "ok", "chores": "ok"})
    assert (await door.get("/metrics")).status == 200


async def test_a_store_that_is_out_makes_nobody_start_it_again(door, house, clock):
    house.application.check_chores.note(is_done=True)
    house.probe.reason = "Postgres does not answer."
    for _ in range(10):
        clock.advance(STUCK_SECONDS / 2)
        house.application.check_chores.note(is_done=False)

    assert await states(door) == (200, 503, {"postgres": "unavailable", "chores": "unavailable"})


async def test_a_round_that_does_not_end_is_a_reason_to_start_it_again(door, house, clock):
    house.application.check_chores.note(is_done=True)
    clock.advance(STUCK_SECONDS)

    assert await states(door) == (503, 503, {"postgres": "ok", "chores": "unavailable"})
