"""Instagram, outbound: texts and signs of life over the Graph API."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from adapters.channels.graph import Graph
from adapters.channels.wording import instagram_texts
from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from domain.channels import Template
from domain.delivery import Refused, SendOutcome


class _Sent(msgspec.Struct):
    message_id: str


class InstagramGateway:
    """Sends as an Instagram professional account; see the port ChannelGateway."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def worded(self, text: str) -> Sequence[str]:
        """The text without formatting: Instagram shows none."""
        return instagram_texts(text)

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """Hand the text to Instagram. It takes no id of ours: a lost answer is made good by the echo alone."""
        request = {
            "recipient": {"id": message.address},
            "message": {"text": message.text},
            "messaging_type": "RESPONSE",
            **({"reply_to": {"mid": message.reply_to}} if message.reply_to else {}),
        }
        return await self._graph.send(briefing, request, message.timeout_seconds, _message_id)

    async def send_template(self, _briefing: Briefing, _message: OutboundText, _template: Template) -> SendOutcome:
        """Refused: Instagram knows no templates, and its tags are for people's answers only."""
        return Refused({"detail": "Instagram has no templates."}, is_window=True)

    async def show_typing(self, briefing: Briefing, address: str, _platform_message_id: str) -> None:
        """Mark the thread seen and show that somebody types."""
        actions = ("mark_seen", "typing_on")
        await self._graph.tell(briefing, *({"recipient": {"id": address}, "sender_action": one} for one in actions))


def _message_id(body: bytes) -> str | None:
    try:
        return msgspec.json.decode(body, type=_Sent).message_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
