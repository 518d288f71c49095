"""The composition root: which plug goes into which socket. Only this module meets the adapters and the injector."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

import aiohttp
from dependency_injector import containers, providers
from dependency_injector.providers import Provider
from redis.asyncio import Redis

from adapters.alerting.email import EmailAlertSender, MailServer
from adapters.alerting.signature import WebhookSignature
from adapters.alerting.webhook import WebhookAlertSender, as_json, as_slack
from adapters.background import TaskBackground
from adapters.channels.gateway import Platforms
from adapters.channels.graph import Graph
from adapters.channels.instagram import InstagramGateway
from adapters.channels.instagram_tokens import InstagramTokens
from adapters.channels.media_fetcher import MetaMediaFetcher
from adapters.channels.media_hosts import MediaHosts, opened_media_http
from adapters.channels.meta_webhook import MetaWebhookReader
from adapters.channels.signature import MetaSignature
from adapters.channels.webchat import WebChatGateway
from adapters.channels.whatsapp import WhatsAppGateway
from adapters.chat_sessions import SignedChatSessions
from adapters.clock import RandomIds, SystemClock
from adapters.content_store import open_content_store
from adapters.coordination.connection import opened_redis
from adapters.coordination.context_cache import RedisContextCache
from adapters.coordination.dead_workers import forget_workers
from adapters.coordination.duplicate_filter import RedisDuplicateFilter
from adapters.coordination.extraction_queue import RedisExtractionQueue
from adapters.coordination.live_channel import RedisLiveChannel
from adapters.coordination.rate_limits import RedisRateLimits
from adapters.coordination.turn_queue import QueueLimits, RedisTurnQueue
from adapters.coordination.wake_up_broker import (
    ACTOR,
    EXTRACTION_ACTOR,
    EXTRACTION_QUEUE,
    QUEUE,
    WakeUpBroker,
    extraction_wake_up,
    wake_up,
    wake_up_key,
)
from adapters.llm.deferred import DeferredEraser, DeferredLeadModel, DeferredModel
from adapters.llm.openai_catalogue import OpenAIModelCatalogue
from adapters.persistence.ageing_tokens import PostgresAgeingTokens
from adapters.persistence.agents import PostgresAgents
from adapters.persistence.alert_deliveries import PostgresAlertDeliveries
from adapters.persistence.alerts import PostgresAlerts
from adapters.persistence.answers import PostgresAnswers
from adapters.persistence.backlog import PostgresBacklog
from adapters.persistence.briefings import PostgresBriefings
from adapters.persistence.channel_health import PostgresChannelHealth
from adapters.persistence.conversations import PostgresConversations
from adapters.persistence.credits import PostgresCredits
from adapters.persistence.customer_records import PostgresCustomerRecords
from adapters.persistence.database import Database
from adapters.persistence.dead_workers import end_leases_of_the_dead
from adapters.persistence.erasures import PostgresErasures
from adapters.persistence.extractions import PostgresExtractions
from adapters.persistence.figures import PostgresFigures
from adapters.persistence.inbox import PostgresInbox
from adapters.persistence.leads import PostgresLeads
from adapters.persistence.media import PostgresMedia
from adapters.persistence.phone_numbers import PostgresPhoneNumbers
from adapters.persistence.prompts import PostgresPrompts
from adapters.persistence.replies_by_hand import PostgresRepliesByHand
from adapters.persistence.retries import PostgresRetries
from adapters.persistence.traces import PostgresTraces
from adapters.persistence.turns import PostgresTurns
from adapters.persistence.users import PostgresUsers
from adapters.persistence.web_chats import PostgresWebChats
from adapters.probes import PostgresProbe, RedisProbe
from adapters.telemetry.measured import MeasuredContexts
from adapters.telemetry.wiring import Instruments, Watching, opened_instruments
from adapters.vault import AesVault
from application.app import Application, Ports, assemble
from application.ports.alert_deliveries import AlertDeliveries, AlertSender
from application.ports.alerts import Alerts
from application.ports.answers import Answers
from application.ports.background import Background
from application.ports.backlog import Backlog
from application.ports.briefings import Briefings
from application.ports.channel_gateway import ChannelGateway, WebhookReader
from application.ports.channel_health import ChannelHealth
from application.ports.chat_sessions import ChatSessions
from application.ports.clock import Clock, Ids
from application.ports.content_store import ContentStore
from application.ports.context_cache import ContextCache
from application.ports.conversations import Conversations
from application.ports.credits import Credits
from application.ports.customer_records import CustomerRecords
from application.ports.duplicate_filter import DuplicateFilter
from application.ports.erasures import Erasures, ModelEraser
from application.ports.extraction_queue import ExtractionQueue
from application.ports.extractions import Extractions
from application.ports.figures import Figures
from application.ports.inbox import Inbox
from application.ports.language_model import LanguageModel
from application.ports.lead_model import LeadModel
from application.ports.leads import Leads
from application.ports.live import LiveChannel
from application.ports.media import Media, MediaFetcher
from application.ports.model_catalogue import ModelCatalogue
from application.ports.probes import Probe
from application.ports.rate_limits import RateLimits
from application.ports.registry import Agents, PhoneNumbers, Prompts, Users
from application.ports.replies_by_hand import RepliesByHand
from application.ports.retries import Retries
from application.ports.telemetry import Telemetry
from application.ports.token_refresh import AgeingTokens, TokenIssuer
from application.ports.traces import Traces
from application.ports.turn_queue import TurnQueue
from application.ports.turns import Turns
from application.ports.vault import Vault
from application.ports.web_chats import WebChats
from domain.alert_deliveries import Destination
from domain.channels import ChannelType
from domain.conversations import LaneScope
from entrypoints.crash_points import with_crash_point
from entrypoints.place import folder_of_this_host
from entrypoints.settings import Settings

__all__ = [
    "ACTOR",
    "EXTRACTION_ACTOR",
    "EXTRACTION_QUEUE",
    "QUEUE",
    "Container",
    "WakeUpBroker",
    "end_leases_of_the_dead",
    "forget_workers",
    "load_what_workers_need",
    "opened_backlog",
    "running",
]


IN_FLIGHT_MAX_PER_NUMBER = 500
"""Turns of one phone number at a time, over all workers: half of what one worker can, so that others have room."""


def _encryption_keys(settings: Settings) -> list[str]:
    return [key.get_secret_value() for key in settings.encryption_keys]


def _queue_limits(settings: Settings) -> QueueLimits:
    in_flight_max = 1 if settings.lane_scope is LaneScope.PHONE_NUMBER else IN_FLIGHT_MAX_PER_NUMBER
    return QueueLimits(settings.queue_capacity, in_flight_max, settings.lease_seconds)


def _measured(ports: Ports, instruments: Instruments) -> Ports:
    return replace(ports, **instruments.measured(ports))


def _metrics_token(settings: Settings) -> str | None:
    return settings.metrics_token.get_secret_value() if settings.metrics_token else None


def _watching(settings: Settings, role: str) -> Watching:
    return Watching(
        settings.metrics_folder / folder_of_this_host(),
        role,
        settings.encryption_keys[0].get_secret_value(),
        settings.otel_exporter_otlp_endpoint,
        settings.otel_traces_sampler_arg,
        settings.reply_quiet_seconds,
    )


def _platforms(http: aiohttp.ClientSession, live: LiveChannel, settings: Settings) -> ChannelGateway:
    """A line for each kind of channel that something can be sent to."""
    version = settings.meta_graph_version
    return Platforms(
        {
            ChannelType.WHATSAPP: WhatsAppGateway(Graph(http, settings.meta_graph_base_url, version)),
            ChannelType.INSTAGRAM: InstagramGateway(Graph(http, settings.meta_instagram_base_url, version)),
            ChannelType.WEBCHAT: WebChatGateway(live),
        }
    )


def _alert_senders(http: aiohttp.ClientSession, clock: Clock, settings: Settings) -> dict[Destination, AlertSender]:
    """Who is told beside the log: whatever the administrator has set up."""
    senders: dict[Destination, AlertSender] = {}
    if settings.alert_webhook_url is not None:
        signature = WebhookSignature([secret.get_secret_value() for secret in settings.alert_webhook_secret])
        body_of = as_slack if settings.alert_webhook_format == "slack" else as_json
        url = settings.alert_webhook_url.get_secret_value()
        senders[Destination.WEBHOOK] = WebhookAlertSender(http, url, signature, clock, body_of)
    if settings.smtp_url is not None:
        server, recipients = MailServer.of(settings.smtp_url.get_secret_value()), settings.alert_email_to
        senders[Destination.EMAIL] = EmailAlertSender(server, settings.alert_email_from or recipients[0], recipients)
    return senders


class Container(containers.DeclarativeContainer):
    """One line for each port. Outside resources come in opened; `running` opens and closes them."""

    settings = providers.Dependency(instance_of=Settings)
    database = providers.Dependency(instance_of=Database)
    redis = providers.Dependency(instance_of=Redis)
    http = providers.Dependency(instance_of=aiohttp.ClientSession)
    media_http = providers.Dependency(instance_of=aiohttp.ClientSession)
    media_hosts = providers.Dependency(instance_of=MediaHosts)
    live: Provider[LiveChannel] = providers.Dependency(instance_of=RedisLiveChannel)
    model: Provider[LanguageModel] = providers.Dependency(instance_of=DeferredModel)
    lead_model: Provider[LeadModel] = providers.Dependency(instance_of=DeferredLeadModel)
    eraser: Provider[ModelEraser] = providers.Dependency(instance_of=DeferredEraser)
    instruments = providers.Dependency(instance_of=Instruments)

    clock: Provider[Clock] = providers.Singleton(SystemClock)
    ids: Provider[Ids] = providers.Singleton(RandomIds)
    background: Provider[Background] = providers.Singleton(TaskBackground)
    vault: Provider[Vault] = providers.Singleton(AesVault, providers.Callable(_encryption_keys, settings))
    inbox: Provider[Inbox] = providers.Singleton(PostgresInbox, database, ids)
    turns: Provider[Turns] = providers.Singleton(
        PostgresTurns,
        database,
        ids,
        settings.provided.lease_seconds,
        settings.provided.reply_quiet_seconds,
        settings.provided.lane_scope,
    )
    kept_contexts = providers.Singleton(RedisContextCache, redis, settings.provided.cache_ttl_seconds)
    queue: Provider[TurnQueue] = providers.Singleton(
        RedisTurnQueue,
        redis,
        wake_up_key(),
        providers.Object(wake_up),
        providers.Callable(_queue_limits, settings),
        kept_contexts,
    )
    extractions: Provider[Extractions] = providers.Singleton(PostgresExtractions, database)
    extraction_queue: Provider[ExtractionQueue] = providers.Singleton(
        RedisExtractionQueue, redis, wake_up_key(EXTRACTION_QUEUE), extraction_wake_up()
    )
    leads: Provider[Leads] = providers.Singleton(PostgresLeads, database)
    seen: Provider[DuplicateFilter] = providers.Singleton(RedisDuplicateFilter, redis, settings.provided.dedupe_seconds)
    contexts: Provider[ContextCache] = providers.Singleton(
        MeasuredContexts, kept_contexts, instruments.provided.metrics
    )
    ageing_tokens: Provider[AgeingTokens] = providers.Singleton(PostgresAgeingTokens, database)
    token_issuer: Provider[TokenIssuer] = providers.Singleton(
        InstagramTokens, http, settings.provided.meta_instagram_base_url
    )
    briefings: Provider[Briefings] = providers.Singleton(PostgresBriefings, database, vault, contexts)
    gateway: Provider[ChannelGateway] = providers.Singleton(_platforms, http, live, settings)
    reader: Provider[WebhookReader] = providers.Singleton(
        MetaWebhookReader,
        providers.Singleton(
            MetaSignature,
            providers.Callable(lambda s: [secret.get_secret_value() for secret in s.meta_app_secrets], settings),
            settings.provided.meta_verify_token.get_secret_value.call(),
        ),
    )
    users: Provider[Users] = providers.Singleton(PostgresUsers, database)
    phone_numbers: Provider[PhoneNumbers] = providers.Singleton(PostgresPhoneNumbers, database)
    channel_health: Provider[ChannelHealth] = providers.Singleton(PostgresChannelHealth, database)
    prompts: Provider[Prompts] = providers.Singleton(PostgresPrompts, database)
    agents: Provider[Agents] = providers.Singleton(PostgresAgents, database)
    conversations: Provider[Conversations] = providers.Singleton(PostgresConversations, database)
    customer_records: Provider[CustomerRecords] = providers.Singleton(PostgresCustomerRecords, database)
    erasures: Provider[Erasures] = providers.Singleton(PostgresErasures, database)
    traces: Provider[Traces] = providers.Singleton(PostgresTraces, database)
    content: Provider[ContentStore] = providers.Singleton(
        open_content_store, settings.provided.media_store_url, settings.provided.frontdesk_home
    )
    media: Provider[Media] = providers.Singleton(PostgresMedia, database, vault)
    media_fetcher: Provider[MediaFetcher] = providers.Singleton(
        MetaMediaFetcher,
        media_http,
        media_hosts,
        content,
        settings.provided.meta_graph_base_url,
        settings.provided.meta_graph_version,
    )
    retries: Provider[Retries] = providers.Singleton(PostgresRetries, database, ids)
    replies_by_hand: Provider[RepliesByHand] = providers.Singleton(PostgresRepliesByHand, database, ids)
    credits: Provider[Credits] = providers.Singleton(PostgresCredits, database)
    answers: Provider[Answers] = providers.Singleton(PostgresAnswers, database)
    alerts: Provider[Alerts] = providers.Singleton(PostgresAlerts, database)
    alert_deliveries: Provider[AlertDeliveries] = providers.Singleton(PostgresAlertDeliveries, database)
    alert_senders: Provider[dict[Destination, AlertSender]] = providers.Singleton(_alert_senders, http, clock, settings)
    model_catalogue: Provider[ModelCatalogue] = providers.Singleton(
        OpenAIModelCatalogue,
        http,
        settings.provided.openai_api_key.get_secret_value.call(),
        settings.provided.openai_base_url,
    )
    figures: Provider[Figures] = providers.Singleton(PostgresFigures, database)
    web_chats: Provider[WebChats] = providers.Singleton(PostgresWebChats, database)
    chat_sessions: Provider[ChatSessions] = providers.Singleton(
        SignedChatSessions, providers.Callable(_encryption_keys, settings)
    )
    rate_limits: Provider[RateLimits] = providers.Singleton(RedisRateLimits, redis)
    postgres_probe: Provider[Probe] = providers.Singleton(PostgresProbe, database)
    redis_probe: Provider[Probe] = providers.Singleton(RedisProbe, redis)

    telemetry: Provider[Telemetry] = instruments.provided.telemetry

    plain_ports: Provider[Ports] = providers.Singleton(
        Ports,
        clock=clock,
        ids=ids,
        background=background,
        vault=vault,
        inbox=inbox,
        turns=turns,
        queue=queue,
        seen=seen,
        briefings=briefings,
        contexts=contexts,
        ageing_tokens=ageing_tokens,
        token_issuer=token_issuer,
        model=model,
        lead_model=lead_model,
        extractions=extractions,
        extraction_queue=extraction_queue,
        leads=leads,
        gateway=gateway,
        reader=reader,
        users=users,
        phone_numbers=phone_numbers,
        channel_health=channel_health,
        prompts=prompts,
        agents=agents,
        conversations=conversations,
        customer_records=customer_records,
        erasures=erasures,
        eraser=eraser,
        traces=traces,
        media=media,
        media_fetcher=media_fetcher,
        content=content,
        retries=retries,
        replies_by_hand=replies_by_hand,
        credits=credits,
        answers=answers,
        alerts=alerts,
        alert_deliveries=alert_deliveries,
        alert_senders=alert_senders,
        model_catalogue=model_catalogue,
        figures=figures,
        web_chats=web_chats,
        chat_sessions=chat_sessions,
        live=live,
        rate_limits=rate_limits,
        probes=providers.List(postgres_probe, redis_probe),
        telemetry=telemetry,
    )
    ports: Provider[Ports] = providers.Singleton(_measured, plain_ports, instruments)
    application: Provider[Application] = providers.Singleton(
        assemble,
        ports,
        admin_api_key=settings.provided.admin_api_key.get_secret_value.call(),
        requests_per_minute=settings.provided.api_requests_per_minute,
        metrics_token=providers.Callable(_metrics_token, settings),
        metrics_are_private=settings.provided.listens_here_only,
        lane_scope=settings.provided.lane_scope,
        lease_seconds=settings.provided.lease_seconds,
        undecided_seconds=settings.provided.undecided_seconds,
        overdue_seconds=settings.provided.overdue_seconds,
        queue_capacity=settings.provided.queue_capacity,
        set_models=providers.Dict(EXTRACTION_MODEL=settings.provided.extraction_model),
        blocked_hours_max=settings.provided.blocked_hours_max,
        extraction_idle_seconds=settings.provided.extraction_idle,
        extraction_price=settings.provided.extraction_credits,
    )


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
            instruments=await stack.enter_async_context(opened_instruments(_watching(settings, role), database, redis)),
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
            rigged = with_crash_point(container.ports(), settings.crash_at, settings.crash_token)
            container.ports.override(providers.Object(rigged))
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
