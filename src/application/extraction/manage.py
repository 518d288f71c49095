"""Runs by hand, and reading runs and leads, page by page or all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.answers import Once
from application.ports.extraction_queue import ExtractionQueue
from application.ports.extractions import ExtractionFilter, Extractions
from application.ports.leads import Leads
from domain.leads.merging import Lead
from domain.leads.runs import Extraction
from domain.shared import Unavailable
from domain.users import Caller

T = TypeVar("T")

BATCH_MAX = 1_000
"""Rows of an export in memory at a time."""


@dataclass(frozen=True, slots=True)
class ManageExtractions:
    """A user's runs. One that is asked for costs what any run costs."""

    extractions: Extractions
    queue: ExtractionQueue
    price: int

    async def request(
        self, caller: Caller, user_id: UUID, conversation_id: UUID, once: Once[Extraction] | None = None
    ) -> Extraction:
        """Have a conversation read now. Raises NotFound, NothingToRead, InsufficientCredits, or as Answers says."""
        caller.must_write(user_id)
        run = await self.extractions.request(user_id, conversation_id, self.price, once)
        await self._wake()
        return run

    async def request_all(self, caller: Caller, user_id: UUID, agent_id: UUID, once: Once[int] | None = None) -> int:
        """Have all conversations of an agent read, as after a change of its form; how many.

        Raises NotFound, InsufficientCredits, or as Answers says.
        """
        caller.must_write(user_id)
        count = await self.extractions.request_all(user_id, agent_id, self.price, once)
        await self._wake()
        return count

    async def get(self, caller: Caller, user_id: UUID, extraction_id: UUID) -> Extraction:
        """That run. Raises NotFound."""
        caller.must_read(user_id)
        return await self.extractions.get(user_id, extraction_id)

    async def list(
        self, caller: Caller, user_id: UUID, wanted: ExtractionFilter, page: PageRequest
    ) -> Page[Extraction]:
        """The user's runs."""
        caller.must_read(user_id)
        return await self.extractions.list(user_id, wanted, page)

    async def export(
        self, caller: Caller, user_id: UUID, wanted: ExtractionFilter
    ) -> AsyncIterator[Sequence[Extraction]]:
        """All of them, batch by batch, oldest first. The first batch is read before this returns."""
        caller.must_read(user_id)
        return await _batches(lambda page: self.extractions.list(user_id, wanted, page))

    async def _wake(self) -> None:
        """Without the queue the scheduler says it within a second."""
        with suppress(Unavailable):
            await self.queue.wake(1)


@dataclass(frozen=True, slots=True)
class ReadLeads:
    """A user's leads."""

    leads: Leads

    async def get(self, caller: Caller, user_id: UUID, customer_id: UUID) -> Lead:
        """The lead of that customer. Raises NotFound."""
        caller.must_read(user_id)
        return await self.leads.get(user_id, customer_id)

    async def list(self, caller: Caller, user_id: UUID, wanted: ExtractionFilter, page: PageRequest) -> Page[Lead]:
        """The leads of the customers with a run that the filter wants."""
        caller.must_read(user_id)
        return await self.leads.list(user_id, wanted, page)

    async def export(self, caller: Caller, user_id: UUID, wanted: ExtractionFilter) -> AsyncIterator[Sequence[Lead]]:
        """All of them, batch by batch, oldest first. The first batch is read before this returns."""
        caller.must_read(user_id)
        return await _batches(lambda page: self.leads.list(user_id, wanted, page))


async def _batches(turned: Callable[[PageRequest], Awaitable[Page[T]]]) -> AsyncIterator[Sequence[T]]:
    """Page after page. What is wrong with the first one is said before anything was answered."""
    first = await turned(PageRequest(BATCH_MAX))
    return _from(first, turned)


async def _from(page: Page[T], turned: Callable[[PageRequest], Awaitable[Page[T]]]) -> AsyncIterator[Sequence[T]]:
    yield page.items
    while page.next_cursor is not None:
        page = await turned(PageRequest(BATCH_MAX, page.next_cursor))
        yield page.items
