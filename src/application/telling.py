"""Telling whoever follows a conversation that there is something to look at."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from application.ports.inbox import Stored
from application.ports.live import AccountTopic, Changed, ConversationTopic, LiveChannel
from domain.channels import Change, Delivery, Echo, Receipt


def tell_of(live: LiveChannel, conversation_id: UUID) -> None:
    """Something was stored in that conversation."""
    live.publish(ConversationTopic(conversation_id), Changed())


def tell_of_stored(live: LiveChannel, stored: Iterable[Stored]) -> None:
    """Customers' messages were stored: once for each conversation."""
    for conversation_id in dict.fromkeys(place.conversation_id for place in stored):
        if conversation_id is not None:
            tell_of(live, conversation_id)


def tell_of_the_rest(live: LiveChannel, delivery: Delivery) -> None:
    """Receipts, echoes and changes were noted: once for each phone number."""
    noted: list[Receipt | Echo | Change] = [*delivery.receipts, *delivery.echoes, *delivery.changes]
    for topic in dict.fromkeys(AccountTopic(each.channel, each.account) for each in noted):
        live.publish(topic, Changed())
