"""One gateway for all channels: each message goes through that of its own."""

from __future__ import annotations

from collections.abc import Mapping

from application.ports.briefings import Briefing
from application.ports.channel_gateway import ChannelGateway, OutboundText
from domain.channels import ChannelType
from domain.delivery import Refused, SendOutcome


class GatewayByChannel:
    """A channel without a gateway takes no messages."""

    def __init__(self, gateways: Mapping[ChannelType, ChannelGateway]) -> None:
        self._gateways = gateways

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """Hand the message to the channel's gateway; see the port."""
        gateway = self._gateways.get(briefing.channel)
        if gateway is None:
            return Refused({"detail": f"Nothing can be sent on {briefing.channel} yet."})
        return await gateway.send(briefing, message)
