"""One house whose workers may be killed."""

from collections.abc import Iterator

import pytest

from tests.rig.house import House, a_home, running_house


@pytest.fixture(scope="session")
def hasty() -> Iterator[House]:
    """A house in which others take over from a silent worker soon, for tests that silence them for a while."""
    settings = {"LEASE_SECONDS": "2", "WORKER_SILENT_SECONDS_MAX": "600"}
    with a_home() as home, running_house(home, **settings) as running:
        yield running
        running.assert_consistent()
