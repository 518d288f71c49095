"""Sends: how long they took, and the platform's class for what went wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter

from adapters.telemetry.measured.passing import Passing, name_of
from adapters.telemetry.measured.turn_in_hand import in_hand
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.spans import Facts
from application.ports.briefings import Briefing
from application.ports.channel_gateway import ChannelGateway, OutboundText
from domain.channels import Template
from domain.delivery import Accepted, SendOutcome

CONNECTION = "connection"
"""The class of an error that no provider gave: none answered."""


class MeasuredGateway(Passing):
    """Times sends and counts errors by the platform's class for them."""

    def __init__(self, gateway: ChannelGateway, metrics: Metrics) -> None:
        super().__init__(gateway)
        self._gateway = gateway
        self._metrics = metrics

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """Hand the message over; see the port."""
        return await self._measured(briefing, lambda: self._gateway.send(briefing, message))

    async def send_template(self, briefing: Briefing, message: OutboundText, template: Template) -> SendOutcome:
        """Hand the template over; see the port."""
        return await self._measured(briefing, lambda: self._gateway.send_template(briefing, message, template))

    async def _measured(self, briefing: Briefing, call: Callable[[], Awaitable[SendOutcome]]) -> SendOutcome:
        began = perf_counter()
        outcome = await call()
        seconds = perf_counter() - began
        channel, name = briefing.channel.value, name_of(outcome)
        self._metrics.send_seconds.labels(channel).observe(seconds)
        self._metrics.sends.labels(channel, name).inc()
        facts: Facts = {"channel": channel, "outcome": name}
        if not isinstance(outcome, Accepted):
            error = str(outcome.error.get("class") or CONNECTION)
            self._metrics.provider_errors.labels("meta", error).inc()
            facts = {**facts, "class": error}
        if (record := in_hand.get()) is not None:
            record.send_seconds += seconds
            record.span.step("send", seconds, facts)
        return outcome
