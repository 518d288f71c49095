"""The platforms: their deliveries read, our replies sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.ports.briefings import Briefing
from domain.channels import ChannelType, Delivery, Template
from domain.delivery import SendOutcome
from domain.shared import Forbidden, InvalidInput, Unauthorized


class UnsignedWebhook(Unauthorized):
    """A delivery came without a signature."""

    code = "webhook_unsigned"


class ForgedWebhook(Forbidden):
    """A delivery's signature was made with none of our secrets."""

    code = "webhook_signature_wrong"


class UnreadableWebhook(InvalidInput):
    """A delivery is signed but is not JSON."""

    code = "webhook_not_json"


@dataclass(frozen=True, slots=True)
class OutboundText:
    """A reply on its way: `message_id` is ours and comes back in every receipt of the platform.

    `reply_to` is the platform's id of the customer's message that it quotes, when that is not the latest. `question_id`
    is our id of the first message that it answers: it comes back too where the platform can carry it, for the logs.
    """

    message_id: UUID
    address: str
    text: str
    timeout_seconds: float
    reply_to: str | None = None
    question_id: UUID | None = None


class WebhookReader(Protocol):
    """Knows the platforms' ways of delivering."""

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        """What the delivery says. `headers` have lower-case names; `body` is raw, as it was signed.

        Raises UnsignedWebhook, ForgedWebhook or UnreadableWebhook; a single bad element is counted, not raised.
        """
        ...

    def challenge(self, query: Mapping[str, str]) -> str:
        """What to echo when the platform checks that the address is ours. Raises ForgedWebhook otherwise."""
        ...


class ChannelGateway(Protocol):
    """Hands a message to the platform, once for each call."""

    def worded(self, channel: ChannelType, text: str) -> Sequence[str]:
        """The model's text as the platform shows it: its formatting, in as many messages as its limit asks for.

        As few as possible; at least one, none of them empty.
        """
        ...

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        """What the platform said; every failure is one of the outcomes, never an exception."""
        ...

    async def send_template(self, briefing: Briefing, message: OutboundText, template: Template) -> SendOutcome:
        """As `send`, for a template; the message's text is what our record shows."""
        ...

    async def show_typing(self, briefing: Briefing, address: str, platform_message_id: str) -> None:
        """Show the customer that their message was read and is being answered. Fails silently: it is a courtesy."""
        ...
