"""Which plug goes into which socket: one line for each port. Only this module knows the injector."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import aiohttp
from dependency_injector import containers, providers
from dependency_injector.providers import Provider
from redis.asyncio import Redis

from adapters.background import TaskBackground
from adapters.channels.instagram_tokens import InstagramTokens
from adapters.channels.media_fetcher import MetaMediaFetcher
from adapters.channels.media_hosts import MediaHosts
from adapters.channels.meta_webhook import MetaWebhookReader
from adapters.channels.signature import MetaSignature
from adapters.chat_sessions import SignedChatSessions
from adapters.clock import RandomIds, SystemClock
from adapters.content_store import open_content_store
from adapters.coordination.context_cache import RedisContextCache
from adapters.coordination.duplicate_filter import RedisDuplicateFilter
from adapters.coordination.extraction_queue import RedisExtractionQueue
from adapters.coordination.live_channel import RedisLiveChannel
from adapters.coordination.rate_limits import RedisRateLimits
from adapters.coordination.turn_queue import RedisTurnQueue
from adapters.coordination.wake_up_broker import (
    EXTRACTION_QUEUE,
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
from adapters.persistence.briefings import PostgresBriefings
from adapters.persistence.channel_health import PostgresChannelHealth
from adapters.persistence.conversations import PostgresConversations
from adapters.persistence.credits import PostgresCredits
from adapters.persistence.customer_records import PostgresCustomerRecords
from adapters.persistence.database import Database
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
from adapters.telemetry.measured.contexts import MeasuredContexts
from adapters.telemetry.wiring import Instruments
from adapters.vault import AesVault
from application.app import Application, Ports, assemble
from application.ports.alert_deliveries import AlertDeliveries, AlertSender
from application.ports.alerts import Alerts
from application.ports.answers import Answers
from application.ports.background import Background
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
from entrypoints.container.choices import alert_senders, encryption_keys, metrics_token, platforms, queue_limits
from entrypoints.crash_points import CrashPoint, with_crash_point
from entrypoints.settings import Settings


def _measured(ports: Ports, instruments: Instruments) -> Ports:
    return replace(ports, **instruments.measured(ports))


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
    vault: Provider[Vault] = providers.Singleton(AesVault, providers.Callable(encryption_keys, settings))
    inbox: Provider[Inbox] = providers.Singleton(PostgresInbox, database, ids)
    turns: Provider[Turns] = providers.Singleton(
        PostgresTurns,
        database,
        ids,
        settings.provided.lease_seconds,
        settings.provided.reply_quiet_seconds,
        settings.provided.undecided_seconds,
        settings.provided.lane_scope,
    )
    kept_contexts = providers.Singleton(RedisContextCache, redis, settings.provided.cache_ttl_seconds)
    queue: Provider[TurnQueue] = providers.Singleton(
        RedisTurnQueue,
        redis,
        wake_up_key(),
        providers.Object(wake_up),
        providers.Callable(queue_limits, settings),
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
    gateway: Provider[ChannelGateway] = providers.Singleton(platforms, http, live, settings)
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
    traces: Provider[Traces] = providers.Singleton(PostgresTraces, database, settings.provided.undecided_seconds)
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
    alert_senders: Provider[dict[Destination, AlertSender]] = providers.Singleton(alert_senders, http, clock, settings)
    model_catalogue: Provider[ModelCatalogue] = providers.Singleton(
        OpenAIModelCatalogue,
        http,
        settings.provided.openai_api_key.get_secret_value.call(),
        settings.provided.openai_base_url,
    )
    figures: Provider[Figures] = providers.Singleton(PostgresFigures, database)
    web_chats: Provider[WebChats] = providers.Singleton(PostgresWebChats, database)
    chat_sessions: Provider[ChatSessions] = providers.Singleton(
        SignedChatSessions, providers.Callable(encryption_keys, settings)
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
        metrics_token=providers.Callable(metrics_token, settings),
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


def rig(container: Container, crash_at: CrashPoint, token: Path) -> None:
    """Let the process die at that point of its way, once; see entrypoints.crash_points."""
    container.ports.override(providers.Object(with_crash_point(container.ports(), crash_at, token)))
