"""What is told to those who watch comes back in what they read."""

import pytest
from prometheus_client import CollectorRegistry, values

from adapters.telemetry.metrics import Metrics
from adapters.telemetry.prometheus import PrometheusTelemetry
from adapters.telemetry.shared_files import FOLDER, use_shared_files
from application.ports.telemetry import Telemetry
from tests.fakes.telemetry import MemoryTelemetry


class NoFigures:
    async def read(self):
        return CollectorRegistry()


@pytest.fixture(params=["memory", "prometheus"])
def telemetry(request, tmp_path, monkeypatch) -> Telemetry:
    if request.param == "memory":
        return MemoryTelemetry()
    monkeypatch.setenv(FOLDER, "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    use_shared_files(tmp_path)
    return PrometheusTelemetry(Metrics(), tmp_path, NoFigures())


async def told(telemetry) -> set[str]:
    return set((await telemetry.exposition()).decode().splitlines())


async def test_an_answered_request_is_counted_by_its_route(telemetry):
    telemetry.requested("rest", "GET /users/{user_id}", "200", 0.01)
    telemetry.requested("rest", "GET /users/{user_id}", "200", 0.02)

    expected = 'frontdesk_requests_total{door="rest",route="GET /users/{user_id}",status="200"} 2.0'
    assert expected in await told(telemetry)


async def test_elements_of_a_delivery_are_counted_by_what_they_came_to(telemetry):
    telemetry.delivered({"accepted": 2, "duplicates": 1})

    assert {
        'frontdesk_delivered_elements_total{element="accepted"} 2.0',
        'frontdesk_delivered_elements_total{element="duplicates"} 1.0',
    } <= await told(telemetry)


async def test_what_the_sweeper_found_is_counted(telemetry):
    telemetry.swept(3, 1)

    assert {"frontdesk_requeued_total 3.0", "frontdesk_late_claims_total 1.0"} <= await told(telemetry)


async def test_what_is_in_flight_is_told_as_it_stands(telemetry):
    telemetry.in_flight(5)
    telemetry.in_flight(2)

    assert "frontdesk_turns_in_flight 2.0" in await told(telemetry)


async def test_bugs_and_outages_are_counted_apart(telemetry):
    telemetry.crashed()
    telemetry.interrupted()
    telemetry.interrupted()

    assert {"frontdesk_turns_crashed_total 1.0", "frontdesk_turns_interrupted_total 2.0"} <= await told(telemetry)


async def test_only_a_good_heartbeat_says_that_a_worker_lives(telemetry):
    telemetry.heartbeat(succeeded=False)
    assert telemetry.workers_seen().beat_at is None

    telemetry.heartbeat(succeeded=True)
    assert telemetry.workers_seen().beat_at is not None
