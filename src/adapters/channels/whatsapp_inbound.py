"""WhatsApp, inbound: the value of a `messages` change, read into a customer's messages and receipts for ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from adapters.channels.elements import decoded
from domain.channels import ChannelType, Delivery, InboundMessage, Receipt
from domain.shared import storable

RECEIPT_STATUSES = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}
"""Meta's word to ours. A voice message that was played was read; words that nobody documents are ignored."""

ID_LENGTH_MAX = 200
"""Longer than any id or address of Meta's; what is longer fits no index."""
NOTHING = msgspec.Raw(b"[]")


class _Metadata(msgspec.Struct):
    phone_number_id: str = ""


class _Profile(msgspec.Struct):
    name: str | None = None


class _Contact(msgspec.Struct):
    wa_id: str | None = None
    user_id: str | None = None
    profile: _Profile = msgspec.field(default_factory=_Profile)


class _Text(msgspec.Struct):
    body: str


class _Message(msgspec.Struct, rename={"from_": "from"}):
    id: str
    from_: str | None = None
    from_user_id: str | None = None
    timestamp: str | int = 0
    type: str = "unknown"
    text: _Text | None = None


class _Status(msgspec.Struct):
    id: str
    status: str
    timestamp: str | int = 0
    biz_opaque_callback_data: str | None = None
    errors: list[dict[str, Any]] | None = None


class _Value(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    contacts: msgspec.Raw = NOTHING
    messages: msgspec.Raw = NOTHING
    statuses: msgspec.Raw = NOTHING


def read(raw: msgspec.Raw, delivery: Delivery) -> None:
    """Add what the value says to `delivery`."""
    value = decoded(raw, _Value, delivery, _Value())
    account = value.metadata.phone_number_id
    names = _names(value, delivery)
    for raw_message in _list(value.messages, delivery):
        if message := decoded(raw_message, _Message, delivery, None):
            _add_message(message, account, names, delivery)
    for raw_status in _list(value.statuses, delivery):
        if status := decoded(raw_status, _Status, delivery, None):
            _add_receipt(status, account, delivery)


def _list(raw: msgspec.Raw, delivery: Delivery) -> list[msgspec.Raw]:
    """The elements; one of the three lists that is none spoils no other."""
    return decoded(raw, list[msgspec.Raw], delivery, [])


def _names(value: _Value, delivery: Delivery) -> dict[str, str]:
    """Customers' names by what the platform calls them: contacts need not stand in the order of the messages."""
    names = {}
    for raw in _list(value.contacts, delivery):
        contact = decoded(raw, _Contact, delivery, _Contact())
        for address in (contact.wa_id, contact.user_id):
            if address and contact.profile.name:
                names[address] = storable(contact.profile.name)
    return names


def _add_message(message: _Message, account: str, names: dict[str, str], delivery: Delivery) -> None:
    address = message.from_ or message.from_user_id or ""
    if not all(map(_is_id, (address, account, message.id))):
        delivery.unreadable += 1
        return
    delivery.messages.append(
        InboundMessage(
            channel=ChannelType.WHATSAPP,
            account=storable(account),
            address=storable(address),
            name=names.get(address),
            platform_message_id=storable(message.id),
            type=storable(message.type),
            text=storable(message.text.body) if message.text else None,
            written_at=_time(message.timestamp),
        )
    )


def _is_id(text: str) -> bool:
    return 1 <= len(text) <= ID_LENGTH_MAX


def _add_receipt(status: _Status, account: str, delivery: Delivery) -> None:
    known = RECEIPT_STATUSES.get(status.status)
    if known is None:
        delivery.ignored += 1
        return
    if not _is_id(status.id):
        delivery.unreadable += 1
        return
    delivery.receipts.append(
        Receipt(
            channel=ChannelType.WHATSAPP,
            account=storable(account),
            platform_message_id=storable(status.id),
            message_id=_message_id(status.biz_opaque_callback_data),
            status=known,
            at=_time(status.timestamp),
            error=status.errors[0] if known == "failed" and status.errors else None,
        )
    )


def _message_id(callback_data: str | None) -> UUID | None:
    """Our id as it travelled with the send; None for anything else an integrator may have put there."""
    try:
        return UUID(callback_data) if callback_data else None
    except ValueError:
        return None


def _time(timestamp: str | int) -> datetime:
    """Meta's whole seconds since 1970, as text or number; what cannot be a time counts as 1970."""
    try:
        return datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
