"""WhatsApp: who writes. Contacts stand in any order; they are found by their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from adapters.channels.elements import decoded, elements
from adapters.channels.values import identifier, mapping, text
from domain.channels import Delivery


class _Contact(msgspec.Struct):
    wa_id: Any = None
    user_id: Any = None
    parent_user_id: Any = None
    profile: Any = None


class Person(NamedTuple):
    """What the platform calls a person now, what else it calls them, and what they call themselves."""

    address: str
    aliases: tuple[str, ...]
    name: str | None
    username: str | None


class People:
    """The contacts of one value."""

    def __init__(self, raw: msgspec.Raw, delivery: Delivery) -> None:
        contacts = [decoded(one, _Contact, delivery, None) for one in elements(raw, delivery)]
        self._contacts = [contact for contact in contacts if contact]
        self._by_name = {name: contact for contact in self._contacts for name in _names(contact)}

    def person(self, names: Sequence[Any], *, is_alone: bool) -> Person | None:
        """Who is called by `names`: the number, the user id, the parent user id, of which some are missing.

        None when the person is called nothing. `is_alone`: a lone contact is theirs even when it is written
        differently, as numbers of some countries are.
        """
        called = [identifier(name) for name in names]
        contact = self._contact(called, is_alone=is_alone)
        number, *others = called
        if contact:
            number = number or identifier(contact.wa_id)
            others = [*others, *_aliases(contact)]
        every = list(dict.fromkeys(name for name in (number, *others) if name))
        if not every:
            return None
        profile = mapping(contact.profile) if contact else {}
        return Person(every[0], tuple(every[1:]), text(profile.get("name")), text(profile.get("username")))

    def _contact(self, called: Sequence[str | None], *, is_alone: bool) -> _Contact | None:
        for name in called:
            if name in self._by_name:
                return self._by_name[name]
        alone = self._contacts[0] if is_alone and len(self._contacts) == 1 else None
        has_other_user_id = alone and called[1] and alone.user_id and called[1] != identifier(alone.user_id)
        return None if has_other_user_id else alone


def _names(contact: _Contact) -> list[str]:
    names = (contact.wa_id, contact.user_id, contact.parent_user_id)
    return [name for name in map(identifier, names) if name]


def _aliases(contact: _Contact) -> list[str]:
    """What else they are called. A number that is none names nobody: two people would become one."""
    number = identifier(contact.wa_id)
    user_ids = (identifier(contact.user_id), identifier(contact.parent_user_id))
    return [name for name in (*user_ids, number if number and number.isdecimal() else None) if name]


class Shared(NamedTuple):
    """What the messages of one value have in common; `is_alone` when there is only one."""

    account: str | None
    business: str | None
    people: People
    is_alone: bool
    is_standby: bool = False

    def person(self, *names: object) -> Person | None:
        """Who is called by `names`; see People."""
        return self.people.person(names, is_alone=self.is_alone)
