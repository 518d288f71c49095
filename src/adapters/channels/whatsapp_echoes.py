"""WhatsApp: what a person wrote to a customer from the Business app. What we send comes back on no echo."""

from __future__ import annotations

from adapters.channels.values import identifier, moment
from adapters.channels.whatsapp_contents import written
from adapters.channels.whatsapp_people import Shared
from adapters.channels.whatsapp_wire import Message
from domain.channels import ChannelType, Delivery, Echo


def add_echo(delivery: Delivery, message: Message, shared: Shared) -> None:
    """Add the echo; one without id, number or customer is counted as unreadable."""
    id_, account = identifier(message.id), shared.account
    customer, said = shared.person(message.to, message.to_user_id, message.to_parent_user_id), written(message)
    if not (account and id_ and customer):
        delivery.unreadable += 1
        return
    delivery.echoes.append(
        Echo(
            channel=ChannelType.WHATSAPP,
            account=account,
            address=customer.address,
            platform_message_id=id_,
            type=said.type,
            text=said.text,
            written_at=moment(message.timestamp),
            aliases=customer.aliases,
            content=said.content,
            is_ours=False,
        )
    )
