"""Instagram's events as they stand in a delivery: in `messaging`, in `standby`, or as the value of a change.

Source: Meta's pages of the Instagram webhooks, and captures.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Message(msgspec.Struct):
    """What was written, by the customer or, as an echo, by the business."""

    mid: Any = None
    text: Any = None
    attachments: Any = None
    quick_reply: Any = None
    reply_to: Any = None
    referral: Any = None
    is_echo: Any = None
    is_self: Any = None
    is_deleted: Any = None
    is_unsupported: Any = None


class Event(msgspec.Struct):
    """One thing that happened in a thread."""

    sender: Any = None
    recipient: Any = None
    timestamp: Any = None
    message: Message | None = None
    message_edit: Any = None
    postback: Any = None
    read: Any = None
