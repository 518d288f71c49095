"""The stores that every suite here runs on."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.worlds import World, memory_world, postgres_world


@pytest.fixture(params=["memory", "postgres"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The ports over one store."""
    if request.param == "memory":
        yield memory_world()
        return
    database = request.getfixturevalue("database")
    async with postgres_world(database.url, database.url_owner) as real:
        yield real
