"""One house for all tests that do it no harm."""

from collections.abc import Iterator

import pytest

from tests.rig.house import House, Tenant, a_home, running_house


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    """A house with the settings it has when nobody says anything."""
    with a_home() as home, running_house(home) as running:
        yield running
        running.assert_consistent()


@pytest.fixture
def tenant(house: House) -> Tenant:
    """A user of its own for each test, so that they need not clean up after each other."""
    return house.tenant()
