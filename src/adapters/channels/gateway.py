"""One gateway for all channels: the briefing, or the channel's name, says which platform is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from domain.channels import ChannelType, Template
from domain.delivery import SendOutcome


class Platform(Protocol):
    """What each platform can do; see the port ChannelGateway."""

    def worded(self, text: str) -> Sequence[str]:
        """The model's text as this platform shows it, in as many messages as its limit asks for."""
        ...

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """What the platform said."""
        ...

    async def send_template(self, briefing: Briefing, message: OutboundText, template: Template) -> SendOutcome:
        """As `send`, for a template."""
        ...

    async def show_typing(self, briefing: Briefing, address: str, platform_message_id: str) -> None:
        """Show the customer that their message was read and is being answered."""
        ...


class Platforms:
    """Passes every call on to the platform of its channel."""

    def __init__(self, platforms: Mapping[ChannelType, Platform]) -> None:
        self._platforms = platforms

    def worded(self, channel: ChannelType, text: str) -> Sequence[str]:
        """The text as the platform shows it; see the port."""
        return self._platforms[channel].worded(text)

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """Hand the text over; see the port."""
        return await self._platforms[briefing.channel].send(briefing, message)

    async def send_template(self, briefing: Briefing, message: OutboundText, template: Template) -> SendOutcome:
        """Hand the template over; see the port."""
        return await self._platforms[briefing.channel].send_template(briefing, message, template)

    async def show_typing(self, briefing: Briefing, address: str, platform_message_id: str) -> None:
        """Show a sign of life; see the port."""
        await self._platforms[briefing.channel].show_typing(briefing, address, platform_message_id)
