"""Meta's envelope: many entries with many changes each, for any of our channels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec

from adapters.channels import whatsapp_inbound
from adapters.channels.elements import decoded
from adapters.channels.signature import MetaSignature
from application.ports.channel_gateway import UnreadableWebhook
from domain.channels import Delivery
from domain.shared import storable


class _Change(msgspec.Struct):
    field: str = ""
    value: msgspec.Raw = msgspec.Raw(b"null")


class _Entry(msgspec.Struct):
    changes: list[msgspec.Raw] = []


class _Envelope(msgspec.Struct):
    object: str = ""
    entry: list[msgspec.Raw] = []


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
        for entry in _entries(body):
            _read_entry(entry, delivery)
        return delivery


def _read_entry(entry: msgspec.Raw, delivery: Delivery) -> None:
    for raw_change in decoded(entry, _Entry, delivery, _Entry()).changes:
        change = decoded(raw_change, _Change, delivery, _Change())
        if change.field == "messages":
            whatsapp_inbound.read(change.value, delivery)
        else:
            delivery.ignored += 1


def _entries(body: bytes) -> Sequence[msgspec.Raw]:
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except (msgspec.ValidationError, RecursionError):
        return ()  # JSON, but nothing Meta documents
    except msgspec.DecodeError:
        envelope = _mended(body)
    return envelope.entry if envelope.object == "whatsapp_business_account" else ()


def _mended(body: bytes) -> _Envelope:
    """The envelope of JSON that holds a lone surrogate (half an emoji): legal to json, malformed to msgspec."""
    try:
        mended = storable(json.dumps(json.loads(body), ensure_ascii=False)).encode()
        return msgspec.json.decode(mended, type=_Envelope)
    except (ValueError, RecursionError) as error:
        raise UnreadableWebhook("body", "It is not JSON.") from error
