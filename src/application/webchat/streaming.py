"""The answer as it is being written, for a visitor who is watching."""

from __future__ import annotations

from uuid import UUID

from application.ports.language_model import Listener
from application.ports.live import Delta, LiveChannel, Topic
from domain.channels import ChannelType


def listener_for(
    live: LiveChannel, channel: ChannelType, phone_number_id: UUID, address: str, turn_id: UUID
) -> Listener | None:
    """What hears one call to the model; None where nobody could watch."""
    if channel is not ChannelType.WEBCHAT:
        return None
    topic, length = Topic(phone_number_id, address), 0

    async def hear(text: str) -> None:
        nonlocal length
        live.publish(topic, Delta(turn_id, length, text))
        length += len(text)

    return hear
