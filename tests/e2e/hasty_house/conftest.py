"""One house whose workers may be killed."""

from collections.abc import Iterator

import pytest

from tests.rig.house import House, a_home, running_house


@pytest.fixture(scope="session")
def hasty() -> Iterator[House]:
    """A house that gives a silent worker up soon, for tests that silence them."""
    with a_home() as home, running_house(home, LEASE_SECONDS="2") as running:
        yield running
        running.assert_consistent()
