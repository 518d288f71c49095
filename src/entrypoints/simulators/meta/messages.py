"""A message that a business sends, whichever channel it goes through."""

import base64
import secrets
from dataclasses import dataclass
from typing import Literal

Channel = Literal["whatsapp", "instagram"]


@dataclass(frozen=True, kw_only=True)
class OutgoingMessage:
    """What was understood of a send."""

    channel: Channel
    account_id: str
    to: str
    customer_id: str
    by_user_id: bool = False
    kind: str
    text: str
    callback_data: str | None = None
    reply_to: str | None = None
    platform_message_id: str


def new_wamid() -> str:
    """An id as WhatsApp gives them to messages."""
    return "wamid." + base64.b64encode(b"\x1d\x18\x14\x12" + secrets.token_bytes(29)).decode()


def new_mid() -> str:
    """An id as Instagram gives them to messages."""
    return "aWdfZAG1faXRlbToxOk" + secrets.token_urlsafe(48)
