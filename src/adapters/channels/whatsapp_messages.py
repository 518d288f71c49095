"""WhatsApp: a customer's message, and what it tells about an earlier one or about the customer."""

from __future__ import annotations

from adapters.channels.values import identifier, mapping, moment, text
from adapters.channels.whatsapp_contents import written
from adapters.channels.whatsapp_happenings import former_user_id, renamings
from adapters.channels.whatsapp_people import People, Person
from adapters.channels.whatsapp_wire import Message
from domain.channels import Change, ChannelType, Delivery, InboundMessage, Move


def add_message(
    delivery: Delivery,
    message: Message,
    people: People,
    *,
    account: str | None,
    business: str | None,
    is_alone: bool,
    is_standby: bool,
) -> None:
    """Add the message; one without id, number, sender or content is counted as unreadable."""
    id_, person, said = identifier(message.id), _sender(message, people, is_alone=is_alone), written(message)
    if not (account and id_ and person and said):
        delivery.unreadable += 1
        return
    inbound = InboundMessage(
        channel=ChannelType.WHATSAPP,
        account=account,
        address=person.address,
        name=person.name,
        platform_message_id=id_,
        type=said.type,
        text=said.text,
        written_at=moment(message.timestamp),
        aliases=person.aliases,
        username=person.username,
        content=said.content,
        media=said.media,
        business=business,
        is_standby=is_standby,
    )
    delivery.messages.append(inbound)
    if said.type in FOLLOWED:
        _add_what_follows(delivery, message, inbound)


FOLLOWED = ("system", "edit", "revoke")


def _sender(message: Message, people: People, *, is_alone: bool) -> Person | None:
    names = (message.from_, message.from_user_id, message.from_parent_user_id)
    person = people.person(names, is_alone=is_alone)
    if person or message.type != "system":
        return person
    system = mapping(message.system)  # news of a new user id names the customer nowhere else
    return people.person((None, former_user_id(system), system.get("user_id") or system.get("wa_id")), is_alone=False)


def _add_what_follows(delivery: Delivery, message: Message, inbound: InboundMessage) -> None:
    for before, after in renamings(message.system, identifier(message.from_), identifier(message.from_user_id)):
        delivery.moves.append(Move(inbound.channel, inbound.account, before, after, inbound.written_at))
    content = inbound.content or {}
    edit, revoke = mapping(content.get("edit")), mapping(content.get("revoke"))
    of = edit.get("of") or revoke.get("of")
    now = text(edit.get("text"))
    if of and (now or revoke):
        delivery.changes.append(Change(inbound.channel, inbound.account, of, now, inbound.written_at))
