"""What a model is told of a message that is more than words: short lines in square brackets behind the words.

The words come first and unchanged. What a customer wrote into any other field stands in quotes inside our brackets,
without line breaks, brackets or quotes of its own, so that it cannot pass for a line of ours. Nothing here depends on
whether a file could be fetched: a message is told in the same words every time, by which it is known again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from domain.channels import MediumKind
from domain.media import MissingReason

QUOTE_LENGTH_MAX = 300
READ_LENGTH_MAX = 2_000
LISTED_MAX = 20

Content = Mapping[str, Any]

_HARMLESS = {"Ps": "(", "Pe": ")", "Pi": "'", "Pf": "'"} | dict.fromkeys(("Cc", "Cf", "Zl", "Zp", "Zs"), " ")
"""What stands for a bracket, a quote or a break of any script, by its Unicode category."""
_QUOTES = str.maketrans({'"': "'", "\N{FULLWIDTH QUOTATION MARK}": "'"})

NAMES: Mapping[str, str] = {
    "image": "an image",
    "video": "a video",
    "audio": "an audio recording",
    "voice": "a voice message",
    "document": "a document",
    "file": "a document",
    "sticker": "a sticker",
}
SHARED: Mapping[str, str] = {
    "share": "a post",
    "ig_post": "a post",
    "ig_reel": "a reel",
    "reel": "a reel",
    "ig_story": "a story",
    "story_mention": "a story that mentions us",
    "like_heart": "a heart",
    "template": "a template",
}
MISSING: Mapping[MissingReason | None, str] = {
    MissingReason.GONE: "it is no longer there",
    MissingReason.TOO_LARGE: "it is too large",
    MissingReason.WRONG_TYPE: "its type is not accepted",
    MissingReason.WRONG_CHECKSUM: "it arrived damaged",
}


def told(type_: str, text: str | None, content: Content | None) -> str:
    """The message as the model is told it; never empty. `content` has the keys of `messages.content`."""
    words = [text] if text and text.strip() else []
    lines = [f"[{line}]" for line in _lines(type_, content or {}, has_words=bool(words))]
    return "\n".join([*words, *lines])


def told_instead(kind: MediumKind, filename: str | None, sentence: str | None) -> str:
    """What stands for a file that the model cannot take; `sentence` is the business's own."""
    said = _plain(sentence) or "It cannot be shown to you: say so, and ask for what matters in words."
    return f"[The customer sent {_named_file(kind, filename)}. {said}]"


def told_missing(kind: MediumKind, filename: str | None, reason: MissingReason | None) -> str:
    """What stands for a file that could not be fetched."""
    why = MISSING.get(reason, "it is not there yet")
    return f"[The customer sent {_named_file(kind, filename)}, which could not be fetched: {why}.]"


def fenced(value: object) -> str | None:
    """What somebody else wrote, in quotes and on one line, for use inside our brackets; None when it is nothing."""
    plain = _plain(value)
    if not plain:
        return None
    return f'"{plain[:QUOTE_LENGTH_MAX]}…"' if len(plain) > QUOTE_LENGTH_MAX else f'"{plain}"'


def _plain(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    harmless = (_HARMLESS.get(unicodedata.category(one), one) for one in str(value)[:READ_LENGTH_MAX])
    return " ".join("".join(harmless).translate(_QUOTES).split())


def _named_file(kind: MediumKind, filename: str | None) -> str:
    name = fenced(filename)
    return f"{NAMES[kind]} named {name}" if name else NAMES[kind]


def _lines(type_: str, content: Content, *, has_words: bool) -> list[str]:
    lines = [line for teller in TELLERS for line in teller(content)]
    if type_ in NAMES:
        return [f"The customer sent {NAMES[type_]}.", *lines]
    if not has_words and not lines:
        return [f"The customer sent a message of the kind {fenced(type_) or 'unknown'} without words."]
    return lines


def _of_reply(content: Content) -> Iterator[str]:
    reply_to = _mapping(content.get("reply_to"))
    if "story" in reply_to:
        yield "This answers a story of ours."
    elif reply_to:
        yield "This answers an earlier message."


def _of_forward(content: Content) -> Iterator[str]:
    if forwarded := content.get("forwarded"):
        yield "Forwarded many times." if forwarded == "often" else "Forwarded from elsewhere."


def _of_referral(content: Content) -> Iterator[str]:
    referral = _mapping(content.get("referral"))
    if not referral:
        return
    ad = referral | _mapping(referral.get("ads_context_data"))
    named = {"headline": "headline", "ad_title": "title", "body": "text", "ref": "reference", "source_url": "link"}
    yield _with("The customer came through an ad or a link", _labelled(ad, named))


def _of_location(content: Content) -> Iterator[str]:
    location = _mapping(content.get("location"))
    latitude, longitude = _degrees(location.get("latitude")), _degrees(location.get("longitude"))
    if latitude and longitude:
        named = {"name": "name", "address": "address", "url": "link"}
        where = f"Location: latitude {latitude}, longitude {longitude}"
        yield _with(where, _labelled(location, named))


def _of_contacts(content: Content) -> Iterator[str]:
    for contact in _mappings(content.get("contacts")):
        phones, emails = _quoted(contact.get("phones")), _quoted(contact.get("emails"))
        details = _labelled(contact, {"name": "name", "organisation": "organisation"})
        details += [f"telephone {', '.join(phones)}"] if phones else []
        details += [f"email {', '.join(emails)}"] if emails else []
        yield _with("Contact card", details)


def _of_order(content: Content) -> Iterator[str]:
    order = _mapping(content.get("order"))
    if not order:
        return
    yield _with("Order", _labelled(order, {"text": "note", "catalog_id": "catalogue"}))
    for item in _mappings(order.get("items")):
        named = {"product": "product", "quantity": "quantity", "price": "price each", "currency": "currency"}
        yield _with("Ordered", _labelled(item, named))


def _of_choice(content: Content) -> Iterator[str]:
    chosen = _labelled(
        _mapping(content.get("reply")),
        {"title": "title", "description": "description", "id": "id", "payload": "payload"},
    )
    if chosen:
        yield _with("Chosen from what we offered", chosen)


def _of_flow(content: Content) -> Iterator[str]:
    flow = _mapping(content.get("flow"))
    if not flow:
        return
    yield _with("Form sent in", _labelled(flow, {"name": "name", "body": "title"}))
    if flow.get("unread"):
        yield "The answers in the form could not be read."
    for question, answer in list(_mapping(flow.get("answers")).items())[:LISTED_MAX]:
        yield f"Form field {fenced(question) or 'without a name'}: {_answer(answer)}"


def _of_shares(content: Content) -> Iterator[str]:
    for share in _mappings(content.get("shares")):
        what = SHARED.get(_plain(share.get("kind")), "something")
        yield _with(f"The customer shared {what}", _labelled(share, {"title": "title", "url": "link"}))


def _of_ephemeral(content: Content) -> Iterator[str]:
    if content.get("ephemeral"):
        yield "The customer sent something that disappears after it was seen; it cannot be shown to you."


TELLERS: Sequence[Callable[[Content], Iterator[str]]] = (
    _of_reply,
    _of_forward,
    _of_referral,
    _of_location,
    _of_contacts,
    _of_order,
    _of_choice,
    _of_flow,
    _of_shares,
    _of_ephemeral,
)


def _with(line: str, details: Sequence[str]) -> str:
    return f"{line}: {', '.join(details)}." if details else f"{line}."


def _labelled(fields: Content, labels: Mapping[str, str]) -> list[str]:
    quoted = ((label, fenced(fields.get(name))) for name, label in labels.items())
    return [f"{label} {value}" for label, value in quoted if value]


def _answer(value: object) -> str:
    many = _quoted(value)
    if many:
        return ", ".join(many)
    return {True: "yes", False: "no"}.get(value, "") if isinstance(value, bool) else fenced(value) or "empty"


def _degrees(value: object) -> str | None:
    """A number of degrees; None for what is none, since it stands there without quotes."""
    try:
        return f"{float(_plain(value)):.6f}".rstrip("0").rstrip(".")
    except ValueError:
        return None


def _quoted(values: object) -> list[str]:
    listed = values[:LISTED_MAX] if isinstance(values, list | tuple) else []
    return [quoted for value in listed if (quoted := fenced(value))]


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _mappings(values: object) -> list[dict[str, Any]]:
    listed = values[:LISTED_MAX] if isinstance(values, list | tuple) else []
    return [found for value in listed if (found := _mapping(value))]
