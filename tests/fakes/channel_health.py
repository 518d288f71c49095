"""Notices in memory."""

from __future__ import annotations

from uuid import UUID

from application.pages import Page, PageRequest
from domain.channels import PhoneNumber
from domain.notices import KeptNotice
from tests.fakes.memory_store import MemoryStore, account_of
from tests.fakes.pages import page_of


class MemoryChannelHealth:
    """Reads what the inbox kept."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def notices(self, user_id: UUID, phone_number_id: UUID, page: PageRequest) -> Page[KeptNotice]:
        number = self._store.phone_numbers.get(phone_number_id)
        if number is None or number.user_id != user_id:
            return Page((), None)
        return page_of([notice for notice in self._store.notices.values() if is_of(self._store, notice, number)], page)


def is_of(store: MemoryStore, notice: KeptNotice, number: PhoneNumber) -> bool:
    """Whether the notice is about that phone number."""
    if notice.channel is not number.type:
        return False
    if notice.account is not None:
        return notice.account == account_of(number)
    return notice.business is not None and notice.business == store.businesses.get(number.id)
