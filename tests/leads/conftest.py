"""The stores on which conversations are read."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contract.paths import memory_path, postgres_path
from tests.leads.business import Business
from tests.rig.postgres import Cluster, Database


@pytest.fixture(scope="module")
def one_database(cluster: Cluster) -> Iterator[Database]:
    """One for all businesses of a module: each is a user of its own, and has its conversations read to the end."""
    with cluster.database() as fresh:
        yield fresh


@pytest.fixture(params=["memory", "postgres"])
async def business(request: pytest.FixtureRequest) -> AsyncIterator[Business]:
    """A business over one store; what must always hold there is checked after every test."""
    if request.param == "memory":
        business = Business(memory_path())
        yield business
        assert business.path.find_broken() == []
        return
    database: Database = request.getfixturevalue("one_database")
    async with postgres_path(database.url, database.url_judge, pools=1) as path:
        yield Business(path)
        assert path.find_broken() == []


@pytest.fixture
async def business_on_postgres(one_database: Database) -> AsyncIterator[Business]:
    """A business on the real store, for what only a real store holds."""
    async with postgres_path(one_database.url, one_database.url_judge, pools=1) as path:
        yield Business(path)
        assert path.find_broken() == []
