"""What the platforms told of accounts and threads, read back."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from application.pages import Page, PageRequest
from domain.notices import KeptNotice


class ChannelHealth(Protocol):
    """The notices of phone numbers."""

    async def notices(self, user_id: UUID, phone_number_id: UUID, page: PageRequest) -> Page[KeptNotice]:
        """Those that name the phone number's account, or no account and the one above it, in the order they came.

        None for a phone number of another user. Raises InvalidInput for a cursor that none of its pages gave out.
        """
        ...
