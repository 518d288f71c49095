"""Reading how a channel is: what the platform told of its account."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.channel_health import ChannelHealth
from application.ports.registry import PhoneNumbers
from domain.notices import KeptNotice
from domain.users import Caller


@dataclass(frozen=True, slots=True)
class ReadChannelHealth:
    """The notices of a user's phone numbers."""

    phone_numbers: PhoneNumbers
    health: ChannelHealth

    async def notices(
        self, caller: Caller, user_id: UUID, phone_number_id: UUID, page: PageRequest
    ) -> Page[KeptNotice]:
        """What the platform told of that phone number's accounts. Raises NotFound."""
        caller.must_read(user_id)
        await self.phone_numbers.get(user_id, phone_number_id)
        return await self.health.notices(user_id, phone_number_id, page)
