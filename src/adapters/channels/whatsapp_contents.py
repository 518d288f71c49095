"""WhatsApp: what a message says, whatever its type."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from adapters.channels import whatsapp_happenings, whatsapp_parts, whatsapp_replies
from adapters.channels.values import identifier, kept, listed, mapping, present, text
from adapters.channels.whatsapp_wire import Message
from adapters.channels.written import Part, Written
from domain.channels import MediumKind

UNKNOWN = "unknown"
NOTHING = Part()
READERS: dict[str, Callable[[Any], Part]] = {
    "text": whatsapp_parts.text_part,
    "image": partial(whatsapp_parts.medium_part, MediumKind.IMAGE),
    "video": partial(whatsapp_parts.medium_part, MediumKind.VIDEO),
    "audio": partial(whatsapp_parts.medium_part, MediumKind.AUDIO),
    "voice": partial(whatsapp_parts.medium_part, MediumKind.VOICE),
    "document": partial(whatsapp_parts.medium_part, MediumKind.DOCUMENT),
    "sticker": partial(whatsapp_parts.medium_part, MediumKind.STICKER),
    "location": whatsapp_parts.location_part,
    "contacts": whatsapp_parts.contacts_part,
    "order": whatsapp_parts.order_part,
    "interactive": whatsapp_replies.interactive_part,
    "button": whatsapp_replies.button_part,
    "reaction": whatsapp_happenings.reaction_part,
    "system": whatsapp_happenings.system_part,
    "edit": whatsapp_happenings.edit_part,
    "revoke": whatsapp_happenings.revoke_part,
}
"""By type, which is also the key that the part stands under."""


def written(message: Message) -> Written:
    """What the message says."""
    type_ = text(message.type) or _named_by_its_content(message)
    part = _part(type_, message)
    content = (part.content or {}) | _around(message)
    return Written(type_, part.text, content or None, part.media)


def _named_by_its_content(message: Message) -> str:
    """The type of a message that does not tell it: Meta's own example of a shared place is one."""
    return next((key for key in READERS if getattr(message, key) is not None), UNKNOWN)


def _part(type_: str, message: Message) -> Part:
    read = READERS.get(type_)
    if read is None:
        return NOTHING
    told = getattr(message, type_)
    return read(message.audio if type_ == "voice" and told is None else told)


def _around(message: Message) -> dict[str, Any]:
    """What may come with a message of any type."""
    if message.context is None and message.referral is None and message.errors is None and message.group_id is None:
        return {}
    context = mapping(message.context)
    product = kept(mapping(context.get("referred_product")))
    return present(
        reply_to=_reply_to(context),
        forwarded=_forwarded(context),
        referral=kept(mapping(message.referral)) or present(product=product),
        errors=_errors(message.errors),
        group=identifier(message.group_id),
    )


def _reply_to(context: dict[str, Any]) -> dict[str, Any] | None:
    quoted = identifier(context.get("id"))
    return present(id=quoted, **{"from": identifier(context.get("from"))}) if quoted else None


def _forwarded(context: dict[str, Any]) -> str | None:
    if context.get("frequently_forwarded"):
        return "often"
    return "once" if context.get("forwarded") else None


def _errors(errors: object) -> list[dict[str, Any]] | None:
    told = [present(code=kept(one.get("code")), title=text(one.get("title"))) for one in map(mapping, listed(errors))]
    return [one for one in told if one] or None
