"""Meta's envelope: many entries with many changes and events each, for any of our channels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.channels import instagram_inbound, whatsapp_inbound
from adapters.channels.elements import NO_ELEMENTS, decoded, elements
from adapters.channels.signature import MetaSignature
from adapters.channels.values import identifier
from application.ports.channel_gateway import UnreadableWebhook
from domain.channels import Delivery

WHATSAPP = "whatsapp_business_account"
INSTAGRAM = "instagram"
SURROGATES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
"""Escapes of a text: a whole pair, a lone half as the group, or any other."""


class _Change(msgspec.Struct):
    field: str = ""
    value: msgspec.Raw = msgspec.Raw(b"null")


class _Entry(msgspec.Struct):
    id: Any = None
    time: Any = None
    changes: msgspec.Raw = NO_ELEMENTS
    messaging: msgspec.Raw = NO_ELEMENTS
    standby: msgspec.Raw = NO_ELEMENTS


class _Envelope(msgspec.Struct):
    """`field` and `value` stand here when the envelope is missing, as in the samples that the dashboard sends."""

    object: Any = None
    entry: msgspec.Raw = NO_ELEMENTS
    field: Any = None
    value: msgspec.Raw = msgspec.Raw(b"null")


class _Bare(msgspec.Struct):
    messaging_product: Any = None
    sender: Any = None


class MetaWebhookReader:
    """Reads deliveries of Meta's. What is not for one of our channels is counted, never refused.

    Elements stay undecoded until their turn comes, so that one that is not as documented spoils no other.
    """

    def __init__(self, signature: MetaSignature) -> None:
        self._signature = signature

    def challenge(self, query: Mapping[str, str]) -> str:
        """What to echo in the handshake; see the port."""
        return self._signature.challenge(query)

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        """What the delivery says; see the port."""
        self._signature.check(headers, body)
        delivery = Delivery()
        if envelope := _envelope(body, delivery):
            _read_envelope(envelope, delivery)
        return delivery


def _envelope(body: bytes, delivery: Delivery) -> _Envelope | None:
    """The envelope; None, counted, of JSON that is nothing Meta documents."""
    try:
        return msgspec.json.decode(body, type=_Envelope)
    except (msgspec.ValidationError, RecursionError):
        delivery.unreadable += 1
        return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _mended(body, delivery)


def _mended(body: bytes, delivery: Delivery) -> _Envelope | None:
    """The envelope of JSON that holds a lone surrogate (half an emoji): legal in JSON, malformed to msgspec."""
    mended = SURROGATES.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], body)
    try:
        return msgspec.json.decode(mended, type=_Envelope)
    except (msgspec.ValidationError, RecursionError):
        delivery.unreadable += 1
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableWebhook("body", "It is not JSON.") from error


def _read_envelope(envelope: _Envelope, delivery: Delivery) -> None:
    if envelope.object == WHATSAPP:
        for raw in elements(envelope.entry, delivery):
            _read_whatsapp(decoded(raw, _Entry, delivery, _Entry()), delivery)
    elif envelope.object == INSTAGRAM:
        for raw in elements(envelope.entry, delivery):
            _read_instagram(decoded(raw, _Entry, delivery, _Entry()), delivery)
    elif envelope.object is None and isinstance(envelope.field, str) and envelope.field:
        _read_bare(envelope.field, envelope.value, delivery)
    else:
        delivery.ignored += 1


def _read_whatsapp(entry: _Entry, delivery: Delivery) -> None:
    business = identifier(entry.id)
    for change in _changes(entry, delivery):
        whatsapp_inbound.read(change.field, change.value, business, entry.time, delivery)


def _read_instagram(entry: _Entry, delivery: Delivery) -> None:
    account = identifier(entry.id)
    for raw in elements(entry.messaging, delivery):
        instagram_inbound.read_event(raw, account, entry.time, delivery, is_standby=False)
    for raw in elements(entry.standby, delivery):
        instagram_inbound.read_event(raw, account, entry.time, delivery, is_standby=True)
    for change in _changes(entry, delivery):
        instagram_inbound.read_change(change.field, change.value, account, entry.time, delivery)


def _changes(entry: _Entry, delivery: Delivery) -> list[_Change]:
    """The changes that name what they are about."""
    changes = [decoded(raw, _Change, delivery, None) for raw in elements(entry.changes, delivery)]
    named = [change for change in changes if change and change.field]
    delivery.ignored += sum(1 for change in changes if change and not change.field)
    return named


def _read_bare(field: str, raw: msgspec.Raw, delivery: Delivery) -> None:
    """A change without its envelope: what it says tells whose it is."""
    bare = decoded(raw, _Bare, delivery, None)
    if bare is None:
        return
    if bare.messaging_product == "whatsapp":
        whatsapp_inbound.read(field, raw, None, None, delivery)
    elif bare.sender is not None:
        instagram_inbound.read_change(field, raw, None, None, delivery)
    else:
        delivery.ignored += 1
