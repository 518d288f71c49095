"""The simulators as processes, and a provider that answers exactly what a test wrote down."""

from collections.abc import AsyncIterator

import pytest

from tests.adapters.provider import Provider
from tests.simulators.conftest import meta_controls, meta_process, openai_controls, openai_process, session

__all__ = ["meta_controls", "meta_process", "openai_controls", "openai_process", "provider", "session"]


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider().serving() as provider:
        yield provider
