"""The window in which a platform lets a business write freely: it opens with what the customer sends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.channels import ChannelType

OPEN_HOURS = 24
"""WhatsApp and Instagram: after the customer's last message."""
OPEN_HOURS_AFTER_AD = 72
"""WhatsApp: after a message that came by an ad which opens a chat."""
MARGIN_SECONDS = 60.0
"""So long before its end a window counts as closed: a reply takes its time, and clocks differ."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest thing a customer sent: its place in the conversation, when, and whether it came by an ad."""

    sequence_number: int
    at: datetime
    is_from_ad: bool = False


def is_window_open(channel: ChannelType, heard: Heard, now: datetime) -> bool:
    """Whether a free text may still be sent. A web chat has no window."""
    if channel is ChannelType.WEBCHAT:
        return True
    hours = OPEN_HOURS_AFTER_AD if channel is ChannelType.WHATSAPP and heard.is_from_ad else OPEN_HOURS
    return now < heard.at + timedelta(hours=hours, seconds=-MARGIN_SECONDS)
