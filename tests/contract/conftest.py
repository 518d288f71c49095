"""The stores that every suite here runs on."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.paths import Path, memory_path, postgres_path
from tests.contract.worlds import World, memory_world, postgres_world
from tests.rig.postgres import Database


@pytest.fixture(params=["memory", "postgres"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The ports over one store."""
    if request.param == "memory":
        yield memory_world()
        return
    database = request.getfixturevalue("database")
    async with postgres_world(database.url, database.url_judge) as real:
        yield real


@pytest.fixture(params=["memory", "postgres"])
async def path(request: pytest.FixtureRequest) -> AsyncIterator[Path]:
    """The ports of the message path over one store. What must always hold is checked after every test."""
    if request.param == "memory":
        path = memory_path()
        yield path
        assert path.find_broken() == []
        return
    database = request.getfixturevalue("database")
    async with postgres_path(database.url, database.url_judge) as path:
        yield path
        assert path.find_broken() == []


@pytest.fixture
async def path_on_postgres(database: Database) -> AsyncIterator[Path]:
    """The path on the real store, for what only a real store can get wrong."""
    async with postgres_path(database.url, database.url_judge) as path:
        yield path
        assert path.find_broken() == []
