"""Outside resources: opened for the time of a process, and closed in reverse order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import aiohttp

from adapters.channels.media_hosts import MediaHosts, opened_media_http
from adapters.coordination.connection import opened_redis
from adapters.coordination.live_channel import RedisLiveChannel
from adapters.llm.deferred import DeferredEraser, DeferredLeadModel, DeferredModel
from adapters.persistence.backlog import PostgresBacklog
from adapters.persistence.database import Database
from adapters.telemetry.wiring import opened_instruments
from application.app import Application
from application.ports.backlog import Backlog
from application.ports.erasures import ModelEraser
from application.ports.language_model import LanguageModel
from application.ports.lead_model import LeadModel
from entrypoints.container.choices import watching
from entrypoints.container.wiring import Container, rig
from entrypoints.settings import Settings


@asynccontextmanager
async def running(settings: Settings, *, role: str, asks_model: bool = False) -> AsyncIterator[Application]:
    """Open every outside resource, hand over the application, close them in reverse order.

    `role` names the process in Postgres's list of connections. A process that `asks_model` loads the SDK now and
    not with its first customer waiting. Raises Unavailable when Postgres is out of reach.
    """
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url.get_secret_value(), name=f"frontdesk-{role}")
        media_hosts = MediaHosts(settings.meta_graph_base_url)
        model = DeferredModel(partial(_open_model, stack, settings))
        lead_model = DeferredLeadModel(partial(_open_lead_model, stack, settings))
        redis_url = settings.redis_url.get_secret_value()
        redis = await stack.enter_async_context(opened_redis(redis_url))
        await stack.enter_async_context(database.opened())
        container = Container(
            settings=settings,
            database=database,
            redis=redis,
            instruments=await stack.enter_async_context(opened_instruments(watching(settings, role), database, redis)),
            live=await stack.enter_async_context(RedisLiveChannel(redis, redis_url).opened()),
            http=await stack.enter_async_context(_opened_http()),
            media_http=await stack.enter_async_context(opened_media_http(media_hosts)),
            media_hosts=media_hosts,
            model=model,
            lead_model=lead_model,
            eraser=DeferredEraser(partial(_open_eraser, stack, settings)),
        )
        if asks_model:
            await model.loaded()
            await lead_model.loaded()
        if settings.crash_at is not None:
            rig(container, settings.crash_at, settings.crash_token)
        yield container.application()


@asynccontextmanager
async def opened_backlog(settings: Settings) -> AsyncIterator[Backlog]:
    """The one port that a supervisor's gauge needs, on one connection. Raises Unavailable."""
    database = Database(settings.database_url.get_secret_value(), connections_max=1, name="frontdesk-gauge")
    async with database.opened():
        yield PostgresBacklog(database, settings.reply_quiet_seconds)


def load_what_workers_need() -> None:
    """Import what `running` imports only when it is needed, for a process that forks workers."""
    import adapters.llm.openai_leads  # noqa: PLC0415 - see DeferredModel
    import adapters.llm.openai_model  # noqa: F401, PLC0415


async def _open_model(stack: AsyncExitStack, settings: Settings) -> LanguageModel:
    from adapters.llm.openai_model import OpenAIModel, opened_client  # noqa: PLC0415 - see DeferredModel

    client = opened_client(settings.openai_api_key.get_secret_value(), settings.openai_base_url)
    return OpenAIModel(await stack.enter_async_context(client))


async def _open_lead_model(stack: AsyncExitStack, settings: Settings) -> LeadModel:
    """On connections of its own: runs never wait for those of replies, nor replies for theirs."""
    from adapters.llm.openai_leads import OpenAILeadModel  # noqa: PLC0415 - see DeferredModel
    from adapters.llm.openai_model import opened_client  # noqa: PLC0415

    client = opened_client(settings.openai_api_key.get_secret_value(), settings.openai_base_url)
    return OpenAILeadModel(await stack.enter_async_context(client), settings.extraction_model)


async def _open_eraser(stack: AsyncExitStack, settings: Settings) -> ModelEraser:
    from adapters.llm.openai_eraser import OpenAIEraser  # noqa: PLC0415 - see DeferredModel
    from adapters.llm.openai_model import opened_client  # noqa: PLC0415 - see DeferredModel

    client = opened_client(settings.openai_api_key.get_secret_value(), settings.openai_base_url)
    return OpenAIEraser(await stack.enter_async_context(client))


def _opened_http() -> aiohttp.ClientSession:
    """One session for Graph. The number of connections is bounded by the turns in flight, not here."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=False)
