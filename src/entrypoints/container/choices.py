"""What the settings choose, made: which platforms there are, who is told of alerts, how much a queue takes."""

from __future__ import annotations

import aiohttp

from adapters.alerting.email import EmailAlertSender, MailServer
from adapters.alerting.signature import WebhookSignature
from adapters.alerting.webhook import WebhookAlertSender, as_json, as_slack
from adapters.channels.gateway import Platforms
from adapters.channels.graph import Graph
from adapters.channels.instagram import InstagramGateway
from adapters.channels.webchat import WebChatGateway
from adapters.channels.whatsapp import WhatsAppGateway
from adapters.coordination.turn_queue import QueueLimits
from adapters.telemetry.wiring import Watching
from application.ports.alert_deliveries import AlertSender
from application.ports.channel_gateway import ChannelGateway
from application.ports.clock import Clock
from application.ports.live import LiveChannel
from domain.alert_deliveries import Destination
from domain.channels import ChannelType
from domain.conversations import LaneScope
from entrypoints.place import folder_of_this_host
from entrypoints.settings import Settings

IN_FLIGHT_MAX_PER_NUMBER = 500
"""Turns of one phone number at a time, over all workers: half of what one worker can, so that others have room."""


def encryption_keys(settings: Settings) -> list[str]:
    """In the clear, the newest first."""
    return [key.get_secret_value() for key in settings.encryption_keys]


def queue_limits(settings: Settings) -> QueueLimits:
    """How much a phone number's queue takes at a time."""
    in_flight_max = 1 if settings.lane_scope is LaneScope.PHONE_NUMBER else IN_FLIGHT_MAX_PER_NUMBER
    return QueueLimits(settings.queue_capacity, in_flight_max, settings.lease_seconds)


def metrics_token(settings: Settings) -> str | None:
    """In the clear; None when there is none."""
    return settings.metrics_token.get_secret_value() if settings.metrics_token else None


def watching(settings: Settings, role: str) -> Watching:
    """What of a process with that role is to be watched, and how."""
    return Watching(
        settings.metrics_folder / folder_of_this_host(),
        role,
        settings.encryption_keys[0].get_secret_value(),
        settings.otel_exporter_otlp_endpoint,
        settings.otel_traces_sampler_arg,
        settings.reply_quiet_seconds,
    )


def platforms(http: aiohttp.ClientSession, live: LiveChannel, settings: Settings) -> ChannelGateway:
    """A line for each kind of channel that something can be sent to."""
    version = settings.meta_graph_version
    return Platforms(
        {
            ChannelType.WHATSAPP: WhatsAppGateway(Graph(http, settings.meta_graph_base_url, version)),
            ChannelType.INSTAGRAM: InstagramGateway(Graph(http, settings.meta_instagram_base_url, version)),
            ChannelType.WEBCHAT: WebChatGateway(live),
        }
    )


def alert_senders(http: aiohttp.ClientSession, clock: Clock, settings: Settings) -> dict[Destination, AlertSender]:
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
