import pytest

from tests.unit.application.desk import Desk


@pytest.fixture
async def desk() -> Desk:
    """An open shop with ten credits."""
    return await Desk().opens()
