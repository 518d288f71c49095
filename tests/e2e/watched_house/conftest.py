"""One house that tells all it ever tells: lines at info, metrics, traces, and the workers' own door."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.rig.collector import Collector, running_collector
from tests.rig.house import House, a_home, running_house


@dataclass(frozen=True)
class Watched:
    house: House
    collector: Collector
    workers_url: str


@pytest.fixture(scope="session")
def watched() -> Iterator[Watched]:
    port = _free_port()
    with (
        running_collector() as collector,
        a_home() as home,
        running_house(
            home,
            LOG_LEVEL="info",
            LOG_FORMAT="json",
            LEASE_SECONDS="3",
            WORKERS_MAX="2",
            WORKER_HEALTH_PORT=str(port),
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="200",
        ) as house,
    ):
        yield Watched(house, collector, f"http://127.0.0.1:{port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
