"""WhatsApp: what happened to a message or to a customer, told in the shape of a message."""

from __future__ import annotations

import re
from typing import Any

from adapters.channels.values import identifier, mapping, present, text
from adapters.channels.written import Part

CHANGED_NUMBER = ("user_changed_number", "customer_changed_number")
CHANGED_USER_ID = "user_changed_user_id"
FROM_TO = re.compile(r" from (\S{1,200}) to (\S{1,200})$")
"""How the sentence ends that goes with a new user id; not every version tells the former one elsewhere."""


def reaction_part(told: object) -> Part:
    """An emoji on a message; without one it was taken back."""
    reaction = mapping(told)
    return Part(
        content=present(
            reaction=present(emoji=text(reaction.get("emoji")), to=identifier(reaction.get("message_id"))),
        )
    )


def edit_part(told: object) -> Part:
    """A message of the customer's was changed: `of` which, and its new text or caption."""
    edit = mapping(told)
    message = mapping(edit.get("message"))
    part = mapping(message.get(text(message.get("type")) or "text"))
    now = text(part.get("body")) or text(part.get("caption"))
    return Part(content=present(edit=present(of=identifier(edit.get("original_message_id")), text=now)))


def revoke_part(told: object) -> Part:
    """A message of the customer's was taken back."""
    return Part(content=present(revoke=present(of=identifier(mapping(told).get("original_message_id")))))


def system_part(told: object) -> Part:
    """Something about the customer: a new number, a new user id, a new device."""
    system = mapping(told)
    return Part(content=present(system=present(kind=text(system.get("type")), body=text(system.get("body")))))


def renamings(told: object, number: str | None, user_id: str | None) -> list[tuple[str, str]]:
    """What the customer was called and is called now, in pairs.

    `number` and `user_id` are what the message calls the customer: their names from before.
    """
    system = mapping(told)
    pairs = []
    if system.get("type") in CHANGED_NUMBER:
        pairs.append((number, identifier(system.get("wa_id")) or identifier(system.get("new_wa_id"))))
    if system.get("type") == CHANGED_USER_ID or "previous_user_id" in system:
        pairs.append((former_user_id(system) or user_id, identifier(system.get("user_id"))))
    return [(before, after) for before, after in pairs if before and after and before != after]


def former_user_id(system: dict[str, Any]) -> str | None:
    """The user id from before, as far as the platform tells it."""
    if previous := identifier(system.get("previous_user_id")):
        return previous
    ending = FROM_TO.search(text(system.get("body")) or "")
    return ending[1] if ending and ending[2] == system.get("user_id") else None
