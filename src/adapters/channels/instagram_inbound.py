"""Instagram, inbound: an event of a thread, or a change of an account, read into everything it tells us."""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.channels.elements import decoded
from adapters.channels.instagram_messages import add_edit, add_message, add_postback, add_read
from adapters.channels.instagram_people import parties
from adapters.channels.instagram_wire import Event
from adapters.channels.notices import add_notice
from adapters.channels.values import identifier, mapping, moment
from domain.channels import ChannelType, Delivery

STANDBY = "standby"
AROUND = ("sender", "recipient", "timestamp")
"""What every event has; what else it has says what it is."""


def read_event(raw: msgspec.Raw, account: str | None, time: object, delivery: Delivery, *, is_standby: bool) -> None:
    """Add what happened in a thread. `account` and `time` are the entry's."""
    event = decoded(raw, Event, delivery, None)
    if event is None:
        return
    who, at = parties(event, account), moment(event.timestamp, time)
    if event.message is not None:
        add_message(delivery, event.message, raw, who, at, is_standby=is_standby)
    elif event.postback is not None:
        add_postback(delivery, event, raw, who, at, is_standby=is_standby)
    elif event.message_edit is not None:
        add_edit(delivery, event, who, at)
    elif event.read is not None:
        add_read(delivery, event, who, at)
    else:
        _add_notice(raw, who.account, event.timestamp or time, delivery)


def read_change(field: str, raw: msgspec.Raw, account: str | None, time: object, delivery: Delivery) -> None:
    """Add what a change of `field` says: an event of a thread, or something about the account."""
    if _is_event(raw):
        read_event(raw, account, time, delivery, is_standby=field == STANDBY)
    else:
        add_notice(delivery, ChannelType.INSTAGRAM, field, raw, business=account, account=account, time=time)


class _Thread(msgspec.Struct):
    sender: Any = None
    recipient: Any = None


def _is_event(raw: msgspec.Raw) -> bool:
    try:
        thread = msgspec.json.decode(raw, type=_Thread)
    except (ValueError, RecursionError):
        return False
    return bool(mapping(thread.sender) or mapping(thread.recipient))


def _add_notice(raw: msgspec.Raw, account: str | None, time: object, delivery: Delivery) -> None:
    """What is in a thread and no message: reactions, referrals, handovers, and what Meta may invent."""
    told = decoded(raw, dict[str, msgspec.Raw], delivery, {})
    kind = next((key for key in told if key not in AROUND), None)
    if kind is None or not identifier(kind):
        delivery.ignored += 1
        return
    add_notice(delivery, ChannelType.INSTAGRAM, kind, raw, business=account, account=account, time=time)
