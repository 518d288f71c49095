"""WhatsApp: what became of a message of ours."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from adapters.channels.values import identifier, kept, listed, mapping, moment
from domain.channels import ChannelType, Delivery, Receipt

RECEIPT_STATUSES = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}
"""Meta's word to ours. A voice message that was played was read; words that nobody documents are ignored."""


class Status(msgspec.Struct):
    """One status. Whom it is about is not read: the message it names is ours, and known."""

    status: str
    id: Any = None
    timestamp: Any = None
    biz_opaque_callback_data: Any = None
    errors: Any = None
    pricing: Any = None
    conversation: Any = None


def add_receipt(delivery: Delivery, status: Status, *, account: str | None) -> None:
    """Add the receipt; one without id or number is counted as unreadable, one with another word as ignored."""
    known = RECEIPT_STATUSES.get(status.status)
    id_ = identifier(status.id)
    if known is None:
        delivery.ignored += 1
        return
    if not (account and id_):
        delivery.unreadable += 1
        return
    message_id, question_id = _ids(status.biz_opaque_callback_data)
    delivery.receipts.append(
        Receipt(
            channel=ChannelType.WHATSAPP,
            account=account,
            platform_message_id=id_,
            message_id=message_id,
            question_id=question_id,
            status=known,
            at=moment(status.timestamp),
            error=_error(status.errors) if known == "failed" else None,
            pricing=_pricing(status),
        )
    )


def _error(errors: object) -> dict[str, Any] | None:
    return next((mapping(kept(error)) for error in listed(errors) if isinstance(error, dict)), None)


def _pricing(status: Status) -> dict[str, Any] | None:
    """The price; of a group it stands with the conversation."""
    if status.pricing is None and status.conversation is None:
        return None
    return mapping(kept(mapping(status.pricing) or mapping(mapping(status.conversation).get("pricing")))) or None


def _ids(callback_data: object) -> tuple[UUID | None, UUID | None]:
    """Our ids as they travelled with the send; None for anything else an integrator may have put there."""
    message_id, _, question_id = callback_data.partition(" ") if isinstance(callback_data, str) else ("", "", "")
    return _id(message_id), _id(question_id)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
