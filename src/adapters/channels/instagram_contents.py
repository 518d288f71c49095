"""Instagram: what a message says."""

from __future__ import annotations

from typing import Any

from adapters.channels.instagram_wire import Message
from adapters.channels.values import identifier, kept, listed, mapping, present, text
from adapters.channels.written import Written
from domain.channels import Medium, MediumKind

TEXT = "text"
UNSUPPORTED = "unsupported"
UNKNOWN = "unknown"
POSTBACK = "postback"
EPHEMERAL = "ephemeral"
LOCATION = "location"
UNSUPPORTED_TYPES = ("unsupported", "unsupported_type")

FILES = {
    "image": MediumKind.IMAGE,
    "video": MediumKind.VIDEO,
    "audio": MediumKind.AUDIO,
    "file": MediumKind.DOCUMENT,
}
"""Meta's word for a file that was sent. Everything else points at something of Instagram's own: it is shared."""
URLS = ("url", "link", "story_media_url")


def written(message: Message) -> Written:
    """What the message says."""
    body = text(message.text)
    if body and message.attachments is None and not _has_more(message):
        return Written(TEXT, body)
    attachments = [one for one in map(mapping, listed(message.attachments)) if text(one.get("type"))]
    return Written(
        _type(message, attachments),
        body,
        _content(message, attachments) or None,
        tuple(_medium(one) for one in attachments if one["type"] in FILES),
    )


def postback(told: dict[str, Any]) -> Written:
    """A button that was tapped."""
    title = text(told.get("title"))
    content = present(
        reply=present(title=title, payload=text(told.get("payload"))), referral=kept(mapping(told.get("referral")))
    )
    return Written(POSTBACK, title, content or None)


def _has_more(message: Message) -> bool:
    return any((message.quick_reply, message.reply_to, message.referral, message.is_unsupported))


def _type(message: Message, attachments: list[dict[str, Any]]) -> str:
    if message.is_unsupported is True:
        return UNSUPPORTED
    if text(message.text) or mapping(message.quick_reply):
        return TEXT
    kind = text(attachments[0]["type"]) or UNKNOWN if attachments else UNKNOWN
    return UNSUPPORTED if kind in UNSUPPORTED_TYPES else kind


def _content(message: Message, attachments: list[dict[str, Any]]) -> dict[str, Any]:
    kinds = [one["type"] for one in attachments]
    shared = [one for one in attachments if one["type"] not in (*FILES, *UNSUPPORTED_TYPES, EPHEMERAL, LOCATION)]
    places = [_location(one) for one in attachments if one["type"] == LOCATION]
    return present(
        reply_to=_reply_to(mapping(message.reply_to)),
        referral=kept(mapping(message.referral)),
        reply=present(payload=text(mapping(message.quick_reply).get("payload"))),
        shares=[_share(one) for one in shared] or None,
        location=places[0] if places else None,
        ephemeral=True if EPHEMERAL in kinds else None,
    )


def _reply_to(told: dict[str, Any]) -> dict[str, Any]:
    story = mapping(told.get("story"))
    return present(
        id=identifier(told.get("mid")), story=present(id=identifier(story.get("id")), url=text(story.get("url")))
    )


def _medium(attachment: dict[str, Any]) -> Medium:
    return Medium(kind=FILES[attachment["type"]], url=_url(attachment))


def _share(attachment: dict[str, Any]) -> dict[str, Any]:
    payload = mapping(attachment.get("payload"))
    elements = listed(payload.get("elements")) or listed(mapping(payload.get("generic")).get("elements"))
    first = mapping(elements[0]) if elements else {}
    titles = (payload.get("title"), attachment.get("title"), first.get("title"))
    return present(
        kind=kept(attachment["type"]), url=_url(attachment), title=next(filter(None, map(text, titles)), None)
    )


def _url(attachment: dict[str, Any]) -> str | None:
    payload = mapping(attachment.get("payload"))
    urls = [payload.get(key) for key in URLS] + [attachment.get("url")]
    return next(filter(None, map(text, urls)), None)


def _location(attachment: dict[str, Any]) -> dict[str, Any]:
    payload = mapping(attachment.get("payload"))
    place = mapping(payload.get("coordinates")) or payload
    told = {
        "latitude": place.get("lat", place.get("latitude")),
        "longitude": place.get("long", place.get("longitude")),
        "name": payload.get("title", attachment.get("title")),
        "url": _url(attachment),
    }
    return {key: kept(value) for key, value in told.items() if isinstance(value, str | int | float)}
