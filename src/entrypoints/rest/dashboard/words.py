"""What the console calls things: the words of the interfaces, as people say them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from domain.alert_rules import severity_of

DONE = {
    "paused": "The agent is paused in this conversation.",
    "resumed": "The agent answers again.",
    "archived": "The conversation is archived.",
    "reading": "The conversation is being read; what it proves will stand in the lead.",
    "replied": "Your reply is on its way; the agent is paused.",
    "retried": "The message is being sent again.",
    "version": "The new version is stored; agents speak from it from their next turn on.",
    "prompt": "The prompt is stored.",
    "agent": "The agent is changed.",
    "resumed_number": "The phone number answers again; what waited is queued.",
    "added": "The credits are added; what was blocked for want of them goes on.",
    "said": "The message was delivered.",
    "broken": "The simulators are set.",
}
"""What was just done, by the word that stands in the address after it."""

STATUSES = {
    "received": "waiting",
    "answered": "answered",
    "unanswerable": "not answered",
    "blocked": "blocked",
    "pending": "about to be sent",
    "sending": "being sent",
    "unknown": "fate unknown",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "active": "active",
    "archived": "archived",
    "unauthorized": "token refused",
    "parked": "stopped by the platform",
    "open": "open",
    "resolved": "resolved",
    "critical": "critical",
    "warning": "warning",
}
TONES = {
    **dict.fromkeys(("failed", "unauthorized", "open", "critical"), "bad"),
    **dict.fromkeys(("unanswerable", "blocked", "unknown", "parked", "warning"), "warn"),
    **dict.fromkeys(("answered", "sent", "delivered", "read", "active", "resolved", "completed"), "good"),
}
"""Never the only sign: the word itself always stands beside the colour."""

RUNS = {"pending": "waiting", "running": "being read", "completed": "read", "failed": "failed"}
"""How it stands with a reading: some of these words mean another thing for messages."""

CHANNELS = {"whatsapp": "WhatsApp", "instagram": "Instagram", "webchat": "Web chat"}
BYTES_SHOWN_MAX = 300
NOTHING = "\N{EN DASH}"


def spoken(word: object) -> str:
    """`snake_case` as people write it."""
    text = str(word).replace("_", " ")
    return text[:1].upper() + text[1:]


def status(word: object) -> Markup:
    """A status as a badge."""
    return _badge(word, STATUSES)


def run_status(word: object) -> Markup:
    """How it stands with a reading, as a badge."""
    return _badge(word, RUNS)


def _badge(word: object, words: Mapping[str, str]) -> Markup:
    name = str(word)
    return Markup('<span class="badge {}">{}</span>').format(TONES.get(name, "calm"), words.get(name, spoken(name)))


def time(moment: datetime | None, *, short: bool = False) -> Markup:
    """A moment; the browser puts it into the reader's own time zone."""
    if moment is None:
        return escape(NOTHING)
    shown = moment.strftime("%H:%M:%S" if short else "%Y-%m-%d %H:%M:%S") + " UTC"
    element = '<time data-short datetime="{}">{}</time>' if short else '<time datetime="{}">{}</time>'
    return Markup(element).format(moment.isoformat(), shown)  # noqa: S704 - one of the two words above


def seconds(value: float | None) -> str:
    """A duration, short."""
    if value is None:
        return NOTHING
    if value < 1:
        return f"{value:.2f} s"
    if value < 10:  # noqa: PLR2004
        return f"{value:.1f} s"
    if value < 120:  # noqa: PLR2004
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 7_200 else f"{value / 3_600:.1f} h"  # noqa: PLR2004


def number(value: float | None) -> str:
    """A number with its thousands apart."""
    return NOTHING if value is None else f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def told(error: Mapping[str, Any] | None) -> str:
    """A platform's account of an error, in a line."""
    if not error:
        return ""
    shown = [
        f"{spoken(key)}: {value}"
        for key, value in error.items()
        if key != "at" and isinstance(value, str | int | float)
    ]
    return ("; ".join(shown) or json.dumps(error))[:BYTES_SHOWN_MAX]


def value(known: Any) -> str:  # noqa: ANN401 - JSON
    """A value of a lead, as people write it."""
    if isinstance(known, bool):
        return "yes" if known else "no"
    if isinstance(known, Mapping) and known.keys() == {"amount", "currency"}:
        return f"{number(known['amount'])} {known['currency'] or ''}".strip()
    if isinstance(known, list | tuple):
        return ", ".join(value(one) for one in known)
    return str(known)


def number_name(phone_number: Any) -> str:  # noqa: ANN401 - a phone number, or None
    """What people call a phone number."""
    if phone_number is None:
        return "a phone number that is gone"
    names = (phone_number.display_name, phone_number.number, phone_number.meta_phone_number_id)
    return next(filter(None, (*names, phone_number.instagram_account_id)), str(phone_number.id))


def lines(text: str | None) -> Markup:
    """A customer's text: escaped, with its line breaks."""
    return Markup("<br>").join(escape(line) for line in (text or "").split("\n"))


FILTERS: dict[str, Callable[..., Any]] = {
    "spoken": spoken,
    "status": status,
    "run_status": run_status,
    "value": value,
    "time": time,
    "seconds": seconds,
    "number": number,
    "told": told,
    "number_name": number_name,
    "lines": lines,
    "severity": severity_of,
    "channel": lambda type_: CHANNELS.get(str(type_), str(type_)),
}
