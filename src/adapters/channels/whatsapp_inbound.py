"""WhatsApp, inbound: a change of an entry, read into everything it tells us."""

from __future__ import annotations

import msgspec

from adapters.channels.elements import decoded, elements
from adapters.channels.notices import add_notice
from adapters.channels.values import identifier, mapping
from adapters.channels.whatsapp_echoes import add_echo
from adapters.channels.whatsapp_messages import add_message
from adapters.channels.whatsapp_moves import Update, add_moves
from adapters.channels.whatsapp_people import People, Shared
from adapters.channels.whatsapp_statuses import Status, add_receipt
from adapters.channels.whatsapp_wire import Message, Value
from domain.channels import ChannelType, Delivery, made_id

MESSAGES = "messages"
STANDBY = "standby"
"""Messages while somebody else, Meta's own agent for instance, holds the thread."""
ECHOES = ("smb_message_echoes", "message_echoes")
USER_ID_UPDATE = "user_id_update"
ERRORS = "errors"


def read(field: str, raw: msgspec.Raw, business: str | None, time: object, delivery: Delivery) -> None:
    """Add what the change of `field` says to `delivery`. `business` and `time` are its entry's."""
    if field in (MESSAGES, STANDBY):
        _read_messages(raw, business, time, delivery, is_standby=field == STANDBY)
    elif field in ECHOES:
        _read_echoes(raw, delivery)
    elif field == USER_ID_UPDATE:
        _read_moves(raw, delivery)
    else:
        add_notice(delivery, ChannelType.WHATSAPP, field, raw, business=business, time=time)


def _read_messages(
    raw: msgspec.Raw, business: str | None, time: object, delivery: Delivery, *, is_standby: bool
) -> None:
    value = decoded(raw, Value, delivery, None)
    if value is None:
        return
    raw_messages = elements(value.messages, delivery)
    shared = _shared(value, business, len(raw_messages), delivery)._replace(is_standby=is_standby)
    for raw_message in raw_messages:
        if message := decoded(raw_message, Message, delivery, None):
            message.id = identifier(message.id) or made_id(bytes(raw_message))
            add_message(delivery, message, shared)
    _read_statuses(value, shared.account, delivery)
    if elements(value.errors, delivery):
        told = msgspec.Raw(b'{"errors":%b}' % bytes(value.errors))
        add_notice(delivery, ChannelType.WHATSAPP, ERRORS, told, business=business, account=shared.account, time=time)


def _read_statuses(value: Value, account: str | None, delivery: Delivery) -> None:
    for raw_status in elements(value.statuses, delivery):
        if status := decoded(raw_status, Status, delivery, None):
            add_receipt(delivery, status, account=account)


def _read_echoes(raw: msgspec.Raw, delivery: Delivery) -> None:
    value = decoded(raw, Value, delivery, None)
    if value is None:
        return
    raw_echoes = elements(value.message_echoes, delivery)
    shared = _shared(value, None, len(raw_echoes), delivery)
    for raw_echo in raw_echoes:
        if echo := decoded(raw_echo, Message, delivery, None):
            add_echo(delivery, echo, shared)


def _read_moves(raw: msgspec.Raw, delivery: Delivery) -> None:
    value = decoded(raw, Value, delivery, None)
    if value is None:
        return
    for raw_update in elements(value.user_id_update, delivery):
        if update := decoded(raw_update, Update, delivery, None):
            add_moves(delivery, update, account=_account(value))


def _shared(value: Value, business: str | None, count: int, delivery: Delivery) -> Shared:
    return Shared(_account(value), business, People(value.contacts, delivery), is_alone=count == 1)


def _account(value: Value) -> str | None:
    return identifier(mapping(value.metadata).get("phone_number_id"))
