"""WhatsApp: a customer's message, and what it tells about an earlier one or about the customer."""

from __future__ import annotations

from adapters.channels.values import identifier, mapping, moment, text
from adapters.channels.whatsapp_contents import written
from adapters.channels.whatsapp_happenings import former_user_id, renamings
from adapters.channels.whatsapp_people import Person, Shared
from adapters.channels.whatsapp_wire import Message
from domain.channels import Change, ChannelType, Delivery, InboundMessage, Move

FOLLOWED = ("system", "edit", "revoke")
"""The types that tell of something else than themselves."""


def add_message(delivery: Delivery, message: Message, shared: Shared) -> None:
    """Add the message; one without number or sender is counted as unreadable."""
    account, person, said = shared.account, _sender(message, shared), written(message)
    if not (account and person):
        delivery.unreadable += 1
        return
    inbound = InboundMessage(
        channel=ChannelType.WHATSAPP,
        account=account,
        address=person.address,
        name=person.name,
        platform_message_id=message.id,
        type=said.type,
        text=said.text,
        written_at=moment(message.timestamp),
        aliases=person.aliases,
        username=person.username,
        content=said.content,
        media=said.media,
        business=shared.business,
        is_standby=shared.is_standby,
    )
    delivery.messages.append(inbound)
    if said.type in FOLLOWED:
        _add_what_follows(delivery, message, inbound)


def _sender(message: Message, shared: Shared) -> Person | None:
    person = shared.person(message.from_, message.from_user_id, message.from_parent_user_id)
    if person or message.type != "system":
        return person
    system = mapping(message.system)  # news of a new user id names the customer nowhere else
    return shared.person(None, former_user_id(system), system.get("user_id") or system.get("wa_id"))


def _add_what_follows(delivery: Delivery, message: Message, inbound: InboundMessage) -> None:
    for before, after in renamings(message.system, identifier(message.from_), identifier(message.from_user_id)):
        delivery.moves.append(Move(inbound.channel, inbound.account, before, after, inbound.written_at))
    content = inbound.content or {}
    edit, revoke = mapping(content.get("edit")), mapping(content.get("revoke"))
    of = edit.get("of") or revoke.get("of")
    now = text(edit.get("text"))
    if of and (now or revoke):
        delivery.changes.append(Change(inbound.channel, inbound.account, of, now, inbound.written_at))
