"""The stores on which conversations are read."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.paths import memory_path, postgres_path
from tests.leads.business import Business
from tests.rig.postgres import Database


@pytest.fixture(params=["memory", "postgres"])
async def business(request: pytest.FixtureRequest) -> AsyncIterator[Business]:
    """A business over one store; what must always hold there is checked after every test."""
    if request.param == "memory":
        business = Business(memory_path())
        yield business
        assert business.path.find_broken() == []
        return
    database: Database = request.getfixturevalue("database")
    async with postgres_path(database.url, database.url_judge) as path:
        yield Business(path)
        assert path.find_broken() == []
