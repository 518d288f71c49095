"""Web chat, outbound: the reply stands in the store already, and whoever is watching is told to look."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from application.ports.live import Changed, LiveChannel, Topic, Typing
from domain.channels import Template
from domain.delivery import Accepted, SendOutcome


class WebChatGateway:
    """No platform stands between: what is stored is delivered as soon as the visitor's browser asks."""

    def __init__(self, live: LiveChannel) -> None:
        self._live = live

    def worded(self, text: str) -> Sequence[str]:
        """The text as it is: the widget shows Markdown and has no limit."""
        return [text]

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """Tell the visitor's browser; see the port. Our id is the platform's."""
        self._live.publish(_topic(briefing, message.address), Changed())
        return Accepted(str(message.message_id))

    async def send_template(self, briefing: Briefing, message: OutboundText, template: Template) -> SendOutcome:  # noqa: ARG002
        """As `send`: a web chat's window never closes, and our record is what is shown."""
        return await self.send(briefing, message)

    async def show_typing(self, briefing: Briefing, address: str, platform_message_id: str) -> None:  # noqa: ARG002
        """Show the visitor that an answer is on its way; see the port."""
        self._live.publish(_topic(briefing, address), Typing())


def _topic(briefing: Briefing, address: str) -> Topic:
    return Topic(UUID(briefing.account), address)
