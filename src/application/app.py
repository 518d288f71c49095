"""The whole system on one screen: every use case, and who comes through which door to it.

| who                        | through        | to                                                     |
|----------------------------|----------------|--------------------------------------------------------|
| Meta                       | rest/webhooks  | accept_webhook                                         |
| a wake-up from the queue   | worker         | work: join, warm_up, claim, serve (take_turn), renew,  |
|                            |                | leave                                                  |
| another wake-up            | worker         | run_extractions: claim, serve                          |
| the scheduler's clock      | scheduler      | sweep, watch, watch_models, tell_of_alerts,            |
|                            |                | fetch_media.waiting, delete_media, refresh_tokens,     |
|                            |                | schedule_extractions, erase_at_model, forget_answers   |
| integrators, services      | rest, rpc      | authenticate, once, then users, phone_numbers,         |
|                            |                | read_queue, channel_health, prompts, agents,           |
|                            |                | conversations, follow_messages, customers, pauses,     |
|                            |                | read_media, trace_message, retry_message,              |
|                            |                | reply_by_hand, credits, report_usage, alerts,          |
|                            |                | web_chats, extractions, leads                          |
| people at the console      | rest/dashboard | console, figures, and what integrators have            |
| visitors' browsers         | rest/webchat   | visitor, write_in_chat, follow_chat                    |
| orchestrators, people      | rest, rpc,     | check_health, check_workers, check_chores,             |
|                            | worker,        | show_metrics                                           |
|                            | scheduler      |                                                        |
| every door                 |                | telemetry: what it has answered                        |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from application.admission import REQUESTS_PER_MINUTE, AdmitCall
from application.agents import ManageAgents, ManagePrompts
from application.alert_telling import TellOfAlerts
from application.alerting import Overflow, ProviderWatch
from application.alerts import ReadAlerts
from application.channels.accept_webhook import AcceptWebhook
from application.channels.fetch_media import DeleteMedia, FetchMedia
from application.channels.manage_phone_numbers import ManagePhoneNumbers
from application.channels.read_channel_health import ReadChannelHealth
from application.channels.read_queue import ReadQueue
from application.channels.refresh_tokens import RefreshTokens
from application.console import ConsoleSessions
from application.conversations.ask_model import AskModel
from application.conversations.asking import Asking
from application.conversations.deliver_reply import DeliverReply
from application.conversations.follow_messages import FollowMessages
from application.conversations.guards import GuardedGateway, GuardedModel
from application.conversations.patience import Patience
from application.conversations.pause import PauseConversations
from application.conversations.read_conversations import ReadConversations
from application.conversations.read_media import ReadMedia
from application.conversations.reply_by_hand import ReplyByHand
from application.conversations.show_typing import ShowTyping
from application.conversations.take_turn import TakeTurn
from application.conversations.trace_message import TraceMessage
from application.conversations.work import Work
from application.credits import ManageCredits
from application.customers import ManageCustomers
from application.delivery.retry_message import RetryMessage
from application.erasing import EraseAtModel
from application.extraction.extract_lead import RunExtractions
from application.extraction.guard import GuardedLeadModel
from application.extraction.manage import ManageExtractions, ReadLeads
from application.extraction.schedule import IDLE_SECONDS, ScheduleExtractions
from application.figures import ReadFigures
from application.measuring import CheckChores, CheckWorkers, ShowMetrics
from application.monitoring import CheckHealth, Sweep, Watch, WatchModels
from application.once import ForgetAnswers, NameRequest
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
from application.usage import ReportUsage
from application.users import Authenticate, ManageUsers
from application.webchat.following import FollowChat
from application.webchat.managing import ManageWebChats
from application.webchat.sessions import RecogniseVisitor
from application.webchat.writing import WriteInChat
from domain.alert_deliveries import Destination
from domain.alert_rules import OVERDUE_SECONDS, QUEUE_CAPACITY, UNDECIDED_SECONDS, rules
from domain.conversations import LaneScope
from domain.credits import BLOCKED_HOURS_MAX

LEASE_SECONDS = 30.0
"""How long a silent worker keeps what it holds, unless a setting says otherwise."""


@dataclass(frozen=True, slots=True)
class Application:
    """Everything Frontdesk can do. The doors hold one of these and nothing else."""

    accept_webhook: AcceptWebhook
    work: Work
    sweep: Sweep
    watch: Watch
    watch_models: WatchModels
    tell_of_alerts: Sequence[TellOfAlerts]
    refresh_tokens: RefreshTokens
    schedule_extractions: ScheduleExtractions
    run_extractions: RunExtractions
    check_health: CheckHealth
    check_workers: CheckWorkers
    check_chores: CheckChores
    show_metrics: ShowMetrics
    telemetry: Telemetry
    forget_answers: ForgetAnswers
    authenticate: Authenticate
    admit_call: AdmitCall
    once: NameRequest
    users: ManageUsers
    phone_numbers: ManagePhoneNumbers
    read_queue: ReadQueue
    channel_health: ReadChannelHealth
    prompts: ManagePrompts
    agents: ManageAgents
    conversations: ReadConversations
    follow_messages: FollowMessages
    customers: ManageCustomers
    erase_at_model: EraseAtModel
    trace_message: TraceMessage
    read_media: ReadMedia
    fetch_media: FetchMedia
    delete_media: DeleteMedia
    pauses: PauseConversations
    retry_message: RetryMessage
    reply_by_hand: ReplyByHand
    credits: ManageCredits
    report_usage: ReportUsage
    alerts: ReadAlerts
    figures: ReadFigures
    console: ConsoleSessions
    visitor: RecogniseVisitor
    write_in_chat: WriteInChat
    follow_chat: FollowChat
    web_chats: ManageWebChats
    extractions: ManageExtractions
    leads: ReadLeads


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One plug for each socket: real ones from the container, fakes from the tests."""

    clock: Clock
    ids: Ids
    background: Background
    vault: Vault
    inbox: Inbox
    turns: Turns
    queue: TurnQueue
    seen: DuplicateFilter
    briefings: Briefings
    contexts: ContextCache
    ageing_tokens: AgeingTokens
    token_issuer: TokenIssuer
    model: LanguageModel
    lead_model: LeadModel
    extractions: Extractions
    extraction_queue: ExtractionQueue
    leads: Leads
    gateway: ChannelGateway
    reader: WebhookReader
    users: Users
    phone_numbers: PhoneNumbers
    channel_health: ChannelHealth
    prompts: Prompts
    agents: Agents
    conversations: Conversations
    customer_records: CustomerRecords
    erasures: Erasures
    eraser: ModelEraser
    traces: Traces
    media: Media
    media_fetcher: MediaFetcher
    content: ContentStore
    retries: Retries
    replies_by_hand: RepliesByHand
    credits: Credits
    answers: Answers
    alerts: Alerts
    alert_deliveries: AlertDeliveries
    alert_senders: Mapping[Destination, AlertSender]
    model_catalogue: ModelCatalogue
    figures: Figures
    web_chats: WebChats
    chat_sessions: ChatSessions
    live: LiveChannel
    rate_limits: RateLimits
    probes: Sequence[Probe]
    telemetry: Telemetry


def assemble(
    ports: Ports,
    *,
    admin_api_key: str,
    requests_per_minute: int = REQUESTS_PER_MINUTE,
    lease_seconds: float = LEASE_SECONDS,
    metrics_token: str | None = None,
    metrics_are_private: bool = True,
    lane_scope: LaneScope = LaneScope.CONVERSATION,
    undecided_seconds: float = UNDECIDED_SECONDS,
    overdue_seconds: float = OVERDUE_SECONDS,
    queue_capacity: int = QUEUE_CAPACITY,
    blocked_hours_max: float = BLOCKED_HOURS_MAX,
    extraction_idle_seconds: float = IDLE_SECONDS,
    extraction_price: int = 0,
    set_models: Mapping[str, str] | None = None,
) -> Application:
    """The application over these ports."""
    p = ports
    watched = rules(undecided_seconds=undecided_seconds, overdue_seconds=overdue_seconds, queue_capacity=queue_capacity)
    overflow = Overflow(p.alerts, p.clock)
    authenticate = Authenticate(p.users, p.vault, admin_api_key)
    return Application(
        accept_webhook=AcceptWebhook(p.reader, p.inbox, p.queue, p.seen, overflow, p.live),
        work=Work(_take_turn(p, lane_scope), p.turns, p.queue, p.clock, p.ids),
        sweep=Sweep(p.turns, p.inbox, p.queue, overflow),
        watch=Watch(p.alerts, p.credits, p.inbox, watched, blocked_hours_max),
        watch_models=WatchModels(p.alerts, p.model_catalogue, p.clock, set_models or {}),
        tell_of_alerts=[TellOfAlerts(one, p.alert_deliveries, p.alert_senders.get(one)) for one in Destination],
        refresh_tokens=RefreshTokens(p.ageing_tokens, p.token_issuer, p.vault, p.contexts, p.alerts),
        schedule_extractions=ScheduleExtractions(
            p.extractions, p.extraction_queue, extraction_idle_seconds, extraction_price
        ),
        run_extractions=RunExtractions(
            p.extractions,
            GuardedLeadModel(p.lead_model, ProviderWatch("openai", p.alerts, p.clock)),
            p.alerts,
            p.clock,
            p.ids,
        ),
        check_health=CheckHealth(p.probes, p.inbox),
        check_workers=CheckWorkers(p.telemetry, p.clock, lease_seconds),
        check_chores=CheckChores(p.clock),
        show_metrics=ShowMetrics(p.telemetry, metrics_token, metrics_are_private),
        telemetry=p.telemetry,
        forget_answers=ForgetAnswers(p.answers),
        once=NameRequest(p.vault),
        authenticate=authenticate,
        admit_call=AdmitCall(authenticate, p.rate_limits, p.clock, requests_per_minute),
        users=ManageUsers(p.users, p.contexts, p.queue, p.vault, p.clock, p.ids),
        phone_numbers=_manage_phone_numbers(p),
        read_queue=ReadQueue(p.phone_numbers, p.conversations, p.queue),
        channel_health=ReadChannelHealth(p.phone_numbers, p.channel_health),
        prompts=ManagePrompts(p.prompts, p.clock, p.ids),
        agents=ManageAgents(p.agents, p.prompts, p.turns, p.queue, p.clock, p.ids),
        conversations=ReadConversations(p.conversations, p.live),
        follow_messages=FollowMessages(p.conversations, p.phone_numbers, p.live),
        customers=ManageCustomers(p.customer_records, p.conversations, p.extractions, p.leads),
        erase_at_model=EraseAtModel(p.erasures, p.eraser),
        trace_message=TraceMessage(p.traces),
        read_media=ReadMedia(p.media, p.content),
        fetch_media=FetchMedia(p.media, p.media_fetcher),
        delete_media=DeleteMedia(p.media, p.content),
        pauses=PauseConversations(p.conversations, p.queue, p.alerts),
        retry_message=RetryMessage(p.retries, p.queue, p.live),
        reply_by_hand=ReplyByHand(p.replies_by_hand, p.queue, p.clock, p.live),
        credits=ManageCredits(p.credits, p.turns, p.queue, blocked_hours_max),
        report_usage=ReportUsage(p.credits, p.clock),
        alerts=ReadAlerts(p.alerts),
        figures=ReadFigures(p.figures, p.clock),
        console=ConsoleSessions(authenticate, p.vault, p.rate_limits, p.clock),
        visitor=RecogniseVisitor(p.web_chats, p.chat_sessions, p.rate_limits, p.vault, p.clock),
        write_in_chat=WriteInChat(p.inbox, p.queue, p.web_chats, p.live, p.rate_limits, p.clock, overflow),
        follow_chat=FollowChat(p.web_chats, p.live),
        web_chats=ManageWebChats(p.phone_numbers, p.web_chats, p.vault),
        extractions=ManageExtractions(p.extractions, p.extraction_queue, extraction_price),
        leads=ReadLeads(p.leads),
    )


def _manage_phone_numbers(p: Ports) -> ManagePhoneNumbers:
    return ManagePhoneNumbers(p.phone_numbers, p.contexts, p.vault, p.inbox, p.turns, p.queue, p.alerts, p.clock, p.ids)


def _take_turn(p: Ports, lane_scope: LaneScope) -> TakeTurn:
    """The turn, with a breaker before each provider."""
    model = GuardedModel(p.model, ProviderWatch("openai", p.alerts, p.clock))
    gateway = GuardedGateway(p.gateway, ProviderWatch("meta", p.alerts, p.clock))
    patience = Patience(p.clock, p.ids)
    return TakeTurn(
        p.turns,
        p.briefings,
        Asking(p.media, p.content, FetchMedia(p.media, p.media_fetcher)),
        AskModel(p.turns, model, patience, p.live),
        DeliverReply(p.turns, gateway, patience, p.live),
        ShowTyping(gateway, p.background, p.clock),
        p.clock,
        p.ids,
        p.alerts,
        lane_scope,
        p.live,
    )
