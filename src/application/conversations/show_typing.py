"""Showing a customer that they are being answered: a courtesy that goes on beside the turn."""

from __future__ import annotations

from dataclasses import dataclass

from application.ports.background import Background, Handle
from application.ports.briefings import Briefing
from application.ports.channel_gateway import ChannelGateway
from application.ports.clock import Clock
from domain.conversations import Turn

REPEAT_SECONDS = 20.0
"""WhatsApp takes its sign back after 25 seconds."""


class _Nothing:
    """What stands for a sign that is not shown."""

    def stop(self) -> None:
        """Nothing goes on."""


@dataclass(frozen=True, slots=True)
class ShowTyping:
    """Shows the sign again and again until it is stopped."""

    gateway: ChannelGateway
    background: Background
    clock: Clock

    def __call__(self, turn: Turn, briefing: Briefing) -> Handle:
        """Begin to show it, where the phone number wants it and the platform knows what is being answered."""
        named = turn.questions[-1].name_at_platform
        if not briefing.settings.shows_typing or named is None:
            return _Nothing()
        return self.background.start(lambda: self._show(turn, briefing, named))

    async def _show(self, turn: Turn, briefing: Briefing, platform_message_id: str) -> None:
        while True:
            await self.gateway.show_typing(briefing, turn.address, platform_message_id)
            await self.clock.sleep(REPEAT_SECONDS)
