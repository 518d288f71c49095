"""One house that soon finds something wrong: small limits, and a text that no worker survives."""

from collections.abc import Iterator

import pytest

from tests.rig.house import House, Tenant, a_home, running_house

SETTINGS = {
    "LEASE_SECONDS": "2",
    "WORKER_SILENT_SECONDS_MAX": "600",
    "WORKERS_MAX": "2",
    "QUEUE_CAPACITY": "10",
    "OVERDUE_SECONDS": "10",
    "UNDECIDED_SECONDS": "1",
    "CRASH_AT": "before:model.answer:text=BOOM",
}


@pytest.fixture(scope="session")
def alarmed() -> Iterator[House]:
    with a_home() as home, running_house(home, **SETTINGS) as running:
        yield running
        running.assert_consistent()


@pytest.fixture
def tenant(alarmed: House) -> Tenant:
    """A user of its own for each test: what is wrong with another one is not seen."""
    return alarmed.tenant()
