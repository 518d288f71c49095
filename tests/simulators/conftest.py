"""One simulator process of each kind per test module, put back to its beginnings after each test."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from aiohttp import web
from openai import AsyncOpenAI

from tests.simulators.callbacks import Callback
from tests.simulators.running import Controls, Running, running

APP_SECRET = "the app's secret"
INSTAGRAM_APP_SECRET = "the other secret"


@pytest.fixture(scope="module")
def openai_process() -> Iterator[Running]:
    with running("openai") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def meta_process() -> Iterator[Running]:
    secrets = {"META_APP_SECRETS": f"{APP_SECRET},an older one"}
    flags = ("--instagram-app-secret", INSTAGRAM_APP_SECRET)
    with running("meta", *flags, environment=secrets) as simulator:
        yield simulator


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session


@pytest.fixture
async def openai_controls(session, openai_process) -> AsyncIterator[Controls]:
    controls = Controls(session, openai_process.host_url)
    untouched = await controls.call("GET", "knobs")
    yield controls
    await controls.reset(untouched)


@pytest.fixture
async def client(openai_process, openai_controls) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=openai_process.url, api_key="any key", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
async def meta_controls(session, meta_process) -> AsyncIterator[Controls]:
    controls = Controls(session, meta_process.host_url)
    untouched = await controls.call("GET", "knobs")
    yield controls
    await controls.reset(untouched)


@pytest.fixture
async def callback(meta_controls) -> AsyncIterator[Callback]:
    """The business's webhook, which the Meta simulator is told about."""
    callback = Callback()
    runner = web.ServerRunner(web.Server(callback))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    await meta_controls.knobs(webhook_url=f"http://127.0.0.1:{port}/webhooks/meta")
    yield callback
    await meta_controls.knobs(redelivery_attempts_max=0, webhook_url=None)
    await runner.cleanup()
