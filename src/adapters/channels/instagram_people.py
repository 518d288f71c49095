"""Instagram: which of the two of an event is the customer."""

from __future__ import annotations

from typing import NamedTuple

from adapters.channels.instagram_wire import Event
from adapters.channels.values import identifier, mapping


class Parties(NamedTuple):
    """Both sides of an event, by their ids, and the account the delivery is for."""

    sender: str | None
    recipient: str | None
    account: str | None

    @property
    def is_from_business(self) -> bool:
        """Whether the account itself is the sender."""
        return self.sender is not None and self.sender == self.account

    @property
    def other(self) -> str | None:
        """Whichever is not the account; the recipient when neither is, as of an echo. None when both are."""
        others = [party for party in (self.recipient, self.sender) if party and party != self.account]
        return others[0] if others else None


def parties(event: Event, account: str | None) -> Parties:
    """Who takes part in the event. `account` is the entry's id; without one it is the side that is not the customer."""
    sender, recipient = _id(event.sender), _id(event.recipient)
    is_echo = event.message is not None and event.message.is_echo is True
    return Parties(sender, recipient, account or (sender if is_echo else recipient))


def _id(party: object) -> str | None:
    return identifier(mapping(party).get("id"))
