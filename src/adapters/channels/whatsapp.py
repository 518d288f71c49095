"""WhatsApp, outbound: texts, templates and signs of life over the Graph API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.channels.graph import Graph
from adapters.channels.wording import whatsapp_texts
from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from domain.channels import Template
from domain.delivery import SendOutcome


class _Id(msgspec.Struct):
    id: str


class _Sent(msgspec.Struct):
    messages: list[_Id]


class WhatsAppGateway:
    """Sends as a WhatsApp business; see the port ChannelGateway."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def worded(self, text: str) -> Sequence[str]:
        """The text in WhatsApp's formatting."""
        return whatsapp_texts(text)

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """Hand the text to WhatsApp."""
        return await self._send(briefing, message, "text", {"body": message.text, "preview_url": False})

    async def send_template(self, briefing: Briefing, message: OutboundText, template: Template) -> SendOutcome:
        """Hand the template to WhatsApp, which knows its text."""
        content = {"name": template.name, "language": {"code": template.language}}
        return await self._send(briefing, message, "template", content)

    async def show_typing(self, briefing: Briefing, _address: str, platform_message_id: str) -> None:
        """Mark the message read and show that it is being answered: one call for both."""
        read = {"messaging_product": "whatsapp", "status": "read", "message_id": platform_message_id}
        await self._graph.tell(briefing, {**read, "typing_indicator": {"type": "text"}})

    async def _send(self, briefing: Briefing, message: OutboundText, kind: str, content: dict[str, Any]) -> SendOutcome:
        request = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            **_recipient(message.address),
            "type": kind,
            kind: content,
            **({"context": {"message_id": message.reply_to}} if message.reply_to else {}),
            "biz_opaque_callback_data": _callback_data(message),
        }
        return await self._graph.send(briefing, request, message.timeout_seconds, _message_id)


def _callback_data(message: OutboundText) -> str:
    """What comes back with each status: our id of the message, and of the one that it answers."""
    ids = [message.message_id] if message.question_id is None else [message.message_id, message.question_id]
    return " ".join(str(id_) for id_ in ids)


def _recipient(address: str) -> dict[str, str]:
    """A number with its plus sign: without it Meta prepends the business's own country code, and a stranger reads.

    The number is the webhook's as it came: in Brazil (9th digit), Mexico (521) and Argentina (549) it is not the one
    that people dial. A business-scoped user id (``US.13491208655302741918``) has its own field; in `to` it would be
    dropped silently.
    """
    return {"to": f"+{address}"} if address.isdecimal() else {"recipient": address}


def _message_id(body: bytes) -> str | None:
    try:
        return msgspec.json.decode(body, type=_Sent).messages[0].id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError):
        return None
