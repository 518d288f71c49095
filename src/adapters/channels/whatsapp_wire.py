"""WhatsApp's messages as they stand in a delivery.

Only the envelope of a message is typed: its parts are read key by key, so that one strange part costs the part and not
the message. Source: Meta's OpenAPI `business-messaging-api`, the pages of its webhooks, and captures.
"""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.channels.elements import NO_ELEMENTS


class Value(msgspec.Struct):
    """What a change says."""

    metadata: Any = None
    contacts: msgspec.Raw = NO_ELEMENTS
    messages: msgspec.Raw = NO_ELEMENTS
    statuses: msgspec.Raw = NO_ELEMENTS
    message_echoes: msgspec.Raw = NO_ELEMENTS
    user_id_update: msgspec.Raw = NO_ELEMENTS
    errors: msgspec.Raw = NO_ELEMENTS


class Message(msgspec.Struct, rename={"from_": "from"}):
    """A customer's message, or an echo of the business's own: that one has `to` instead of `from`."""

    id: Any = None
    from_: Any = None
    from_user_id: Any = None
    from_parent_user_id: Any = None
    to: Any = None
    to_user_id: Any = None
    to_parent_user_id: Any = None
    group_id: Any = None
    timestamp: Any = None
    type: Any = None
    context: Any = None
    referral: Any = None
    errors: Any = None
    text: Any = None
    image: Any = None
    video: Any = None
    audio: Any = None
    voice: Any = None
    document: Any = None
    sticker: Any = None
    location: Any = None
    contacts: Any = None
    interactive: Any = None
    button: Any = None
    order: Any = None
    reaction: Any = None
    system: Any = None
    edit: Any = None
    revoke: Any = None
