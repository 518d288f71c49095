"""The workers' own door: whether they run, whether they work, and what they count."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from application.measuring import ShowMetrics
from application.ports.telemetry import WorkersSeen
from entrypoints.health_door import create_health_app
from tests.doors.conftest import bearer


@pytest.fixture
async def door(house) -> AsyncIterator[TestClient]:
    app = create_health_app(house.application, "workers", house.application.check_workers)
    async with TestClient(TestServer(app)) as client:
        yield client


def see(house, ran_ago: float | None, beat_ago: float | None) -> None:
    now = house.application.check_workers.clock.now().timestamp()
    house.telemetry.seen = WorkersSeen(*(None if ago is None else now - ago for ago in (ran_ago, beat_ago)))


async def states(door, path: str) -> tuple[int, dict[str, str]]:
    answer = await door.get(path)
    body = await answer.json()
    assert body["status"] == ("ok" if answer.status == 200 else "unavailable")
    return answer.status, {name: state["status"] for name, state in body["dependencies"].items()}


async def test_workers_that_run_and_have_a_lease_are_live_and_ready(door, house):
    see(house, 1, 1)

    assert await states(door, "/health/live") == (200, {"workers": "ok"})
    assert await states(door, "/health/ready") == (200, {"postgres": "ok", "workers": "ok"})


async def test_without_a_lease_they_are_live_and_not_ready(door, house):
    see(house, 1, 300)

    assert (await states(door, "/health/live"))[0] == 200
    assert await states(door, "/health/ready") == (503, {"postgres": "ok", "workers": "unavailable"})


async def test_a_store_that_is_out_makes_nobody_start_them_again(door, house):
    see(house, 1, 1)
    house.probe.reason = "Postgres does not answer."

    assert (await states(door, "/health/live"))[0] == 200
    assert await states(door, "/health/ready") == (503, {"postgres": "unavailable", "workers": "ok"})


async def test_when_no_event_loop_runs_they_are_not_live(door, house):
    for ran_ago in (300, None):
        see(house, ran_ago, None)
        assert await states(door, "/health/live") == (503, {"workers": "unavailable"})


async def test_metrics_are_told_as_by_rest_to_whoever_may_read_them(door, house):
    house.telemetry.crashed()
    answer = await door.get("/metrics")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "frontdesk_turns_crashed_total 1.0" in (await answer.text()).splitlines()

    object.__setattr__(house.application, "show_metrics", ShowMetrics(house.telemetry, "the token of metrics"))
    assert (await door.get("/metrics")).status == 401
    assert (await door.get("/metrics", headers=bearer("the token of metrics"))).status == 200
