"""Instagram: messages, postbacks, what becomes of them, and echoes."""

from __future__ import annotations

from datetime import datetime

import msgspec

from adapters.channels.instagram_contents import postback, written
from adapters.channels.instagram_people import Parties
from adapters.channels.instagram_wire import Event, Message
from adapters.channels.values import identifier, mapping, text
from adapters.channels.written import Written
from domain.channels import Change, ChannelType, Delivery, Echo, InboundMessage, Receipt, made_id

INSTAGRAM = ChannelType.INSTAGRAM


def add_message(
    delivery: Delivery, message: Message, raw: msgspec.Raw, who: Parties, at: datetime, *, is_standby: bool
) -> None:
    """Add the message: written, taken back, or an echo. Of the last two one without an id tells nothing."""
    mid = identifier(message.mid)
    is_echo = message.is_echo is True or message.is_self is True or who.is_from_business
    if not (is_echo or message.is_deleted is True):
        _add_inbound(delivery, mid or made_id(bytes(raw)), written(message), who, at, is_standby=is_standby)
    elif not (mid and who.account):
        delivery.unreadable += 1
    elif is_echo:
        _add_echo(delivery, message, mid, who, at)
    else:
        delivery.changes.append(Change(INSTAGRAM, who.account, mid, None, at))


def add_postback(
    delivery: Delivery, event: Event, raw: msgspec.Raw, who: Parties, at: datetime, *, is_standby: bool
) -> None:
    """Add a button that was tapped: only customers tap."""
    told = mapping(event.postback)
    if not told:
        delivery.unreadable += 1
        return
    mid = identifier(told.get("mid")) or made_id(bytes(raw))
    _add_inbound(delivery, mid, postback(told), who, at, is_standby=is_standby)


def add_edit(delivery: Delivery, event: Event, who: Parties, at: datetime) -> None:
    """Add a changed text. In development mode Meta tells new messages in this way, without text and as edit 0."""
    told = mapping(event.message_edit)
    mid, now = identifier(told.get("mid")), text(told.get("text"))
    if not (mid and who.account):
        delivery.unreadable += 1
    elif who.is_from_business or now is None or told.get("num_edit") in (0, "0"):
        delivery.ignored += 1
    else:
        delivery.changes.append(Change(INSTAGRAM, who.account, mid, now, at))


def add_read(delivery: Delivery, event: Event, who: Parties, at: datetime) -> None:
    """Add that a customer saw a message of ours."""
    mid = identifier(mapping(event.read).get("mid"))
    if not (mid and who.account):
        delivery.unreadable += 1
        return
    delivery.receipts.append(Receipt(INSTAGRAM, who.account, mid, None, "read", at))


def _add_inbound(delivery: Delivery, mid: str, said: Written, who: Parties, at: datetime, *, is_standby: bool) -> None:
    if not (who.sender and who.account):
        delivery.unreadable += 1
        return
    delivery.messages.append(
        InboundMessage(
            channel=INSTAGRAM,
            account=who.account,
            address=who.sender,
            name=None,
            platform_message_id=mid,
            type=said.type,
            text=said.text,
            written_at=at,
            content=said.content,
            media=said.media,
            business=who.account,
            is_standby=is_standby,
        )
    )


def _add_echo(delivery: Delivery, message: Message, mid: str, who: Parties, at: datetime) -> None:
    """One that was taken back, or that the business wrote to itself, is nobody's."""
    if not (who.sender or who.recipient):
        delivery.unreadable += 1
        return
    if message.is_deleted is True or not (who.account and who.other):
        delivery.ignored += 1
        return
    said = written(message)
    delivery.echoes.append(
        Echo(
            channel=INSTAGRAM,
            account=who.account,
            address=who.other,
            platform_message_id=mid,
            type=said.type,
            text=said.text,
            written_at=at,
            content=said.content,
        )
    )
