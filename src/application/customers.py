"""A business's customers: found, handed out whole, erased."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from application.pages import PAGE_SIZE_MAX, Page, PageRequest
from application.ports.conversations import ConversationFilter, Conversations
from application.ports.customer_records import CustomerFilter, CustomerRecords
from application.ports.extractions import ExtractionFilter, Extractions
from application.ports.leads import Leads
from domain.conversations import Conversation
from domain.customers import KnownCustomer
from domain.leads.runs import Extraction
from domain.shared import NotFound
from domain.users import Caller

T = TypeVar("T")

Export = AsyncIterator[tuple[str, object]]
"""One thing after the other, each with the name of its section; the sections follow one another."""


@dataclass(frozen=True, slots=True)
class ManageCustomers:
    """A user's customers."""

    customers: CustomerRecords
    conversations: Conversations
    extractions: Extractions
    leads: Leads

    async def get(self, caller: Caller, user_id: UUID, customer_id: UUID) -> KnownCustomer:
        """That customer. Raises NotFound."""
        caller.must_read(user_id)
        return await self.customers.get(user_id, customer_id)

    async def list(
        self, caller: Caller, user_id: UUID, wanted: CustomerFilter, page: PageRequest
    ) -> Page[KnownCustomer]:
        """The user's customers."""
        caller.must_read(user_id)
        return await self.customers.list(user_id, wanted, page)

    async def erase(self, caller: Caller, user_id: UUID, customer_id: UUID) -> None:
        """Delete a customer and everything of theirs, everywhere. Raises NotFound.

        A turn under way ends: nothing that has not been sent by now is sent, and nothing is charged.
        """
        caller.must_manage(user_id)
        await self.customers.erase(user_id, customer_id)

    async def export(self, caller: Caller, user_id: UUID, customer_id: UUID) -> tuple[KnownCustomer, Export]:
        """The customer, and all that is on record of them, read page by page while it is taken. Raises NotFound."""
        caller.must_read(user_id)
        return await self.customers.get(user_id, customer_id), self._exported(user_id, customer_id)

    async def _exported(self, user_id: UUID, customer_id: UUID) -> Export:
        async for consent in _all(lambda page: self.customers.consents(user_id, customer_id, page)):
            yield "consents", consent
        async for conversation in self._conversations(user_id, customer_id):
            yield "conversations", conversation
        async for conversation in self._conversations(user_id, customer_id):
            async for message in _all(_within(self.customers.messages, user_id, conversation.id)):
                yield "messages", message
        async for conversation in self._conversations(user_id, customer_id):
            async for turn in _all(_within(self.customers.turns, user_id, conversation.id)):
                yield "turns", turn
        async for conversation in self._conversations(user_id, customer_id):
            async for run in _all(_within(self._runs, user_id, conversation.id)):
                yield "extractions", run
        with suppress(NotFound):
            yield "leads", await self.leads.get(user_id, customer_id)

    async def _runs(self, user_id: UUID, conversation_id: UUID, page: PageRequest) -> Page[Extraction]:
        return await self.extractions.list(user_id, ExtractionFilter(conversation_id), page)

    def _conversations(self, user_id: UUID, customer_id: UUID) -> AsyncIterator[Conversation]:
        wanted = ConversationFilter(customer=str(customer_id))
        return _all(lambda page: self.conversations.list(user_id, wanted, page))


def _within(
    listed: Callable[[UUID, UUID, PageRequest], Awaitable[Page[T]]], user_id: UUID, conversation_id: UUID
) -> Callable[[PageRequest], Awaitable[Page[T]]]:
    return lambda page: listed(user_id, conversation_id, page)


async def _all(listed: Callable[[PageRequest], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """All items of a list; one page of them is held at a time."""
    cursor: str | None = None
    is_last = False
    while not is_last:
        page = await listed(PageRequest(PAGE_SIZE_MAX, cursor))
        cursor, is_last = page.next_cursor, page.next_cursor is None
        for item in page.items:
            yield item
