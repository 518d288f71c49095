"""WhatsApp: texts, files, places, cards and orders, each from its part of a message."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from adapters.channels.values import identifier, kept, listed, mapping, present, text
from adapters.channels.written import Part
from domain.channels import Medium, MediumKind

PLACE = ("latitude", "longitude", "name", "address", "url")
SHA256_BYTES = 32
HEXADECIMAL = re.compile(r"[0-9a-fA-F]{64}")


def text_part(told: object) -> Part:
    """What was typed."""
    return Part(text(mapping(told).get("body")))


def medium_part(kind: MediumKind, told: object) -> Part:
    """A file and its caption. One that the platform could not take has neither id nor url: it is missing."""
    file = mapping(told)
    is_voice = kind is MediumKind.AUDIO and file.get("voice") is True
    medium = Medium(
        kind=MediumKind.VOICE if is_voice else kind,
        platform_id=identifier(file.get("id")),
        url=text(file.get("url")),
        mime_type=text(file.get("mime_type")),
        sha256=_sha256(file.get("sha256")),
        filename=text(file.get("filename")),
    )
    return Part(text(file.get("caption")), media=(medium,))


def _sha256(told: object) -> str | None:
    """In hexadecimal. Meta tells it in base64, and in examples as hexadecimal or cut short."""
    if not isinstance(told, str):
        return None
    if HEXADECIMAL.fullmatch(told):
        return told.lower()
    try:
        digest = base64.b64decode(told, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest.hex() if len(digest) == SHA256_BYTES else None


def location_part(told: object) -> Part:
    """A place."""
    place = mapping(told)
    kind = str | int | float
    return Part(content=present(location={key: kept(place[key]) for key in PLACE if isinstance(place.get(key), kind)}))


def contacts_part(told: object) -> Part:
    """Cards of people."""
    cards = [_card(one) for one in map(mapping, listed(told)) if one]
    return Part(content={"contacts": cards} if cards else None)


def _card(card: dict[str, Any]) -> dict[str, Any]:
    phones = [
        text(one.get("phone")) or identifier(one.get("wa_id")) for one in map(mapping, listed(card.get("phones")))
    ]
    emails = [text(one.get("email")) for one in map(mapping, listed(card.get("emails")))]
    return present(
        name=_name(mapping(card.get("name"))),
        phones=[phone for phone in phones if phone],
        emails=[email for email in emails if email],
        organisation=text(mapping(card.get("org")).get("company")),
    )


def _name(name: dict[str, Any]) -> str | None:
    parts = [text(name.get(key)) for key in ("first_name", "middle_name", "last_name")]
    return text(name.get("formatted_name")) or " ".join(filter(None, parts)) or None


def order_part(told: object) -> Part:
    """What was put into the basket of a catalogue."""
    order = mapping(told)
    items = [_item(one) for one in map(mapping, listed(order.get("product_items"))) if one]
    if not order:
        return Part()
    said = present(catalog_id=identifier(order.get("catalog_id")), text=text(order.get("text")), items=items)
    return Part(content={"order": said})


def _item(item: dict[str, Any]) -> dict[str, Any]:
    return present(
        product=identifier(item.get("product_retailer_id")),
        quantity=kept(item.get("quantity")),
        price=kept(item.get("item_price")),
        currency=text(item.get("currency")),
    )
