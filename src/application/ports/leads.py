"""The current lead of each customer: what all runs proved, merged."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.extractions import ExtractionFilter
from domain.leads.merging import Lead


class Leads(Protocol):
    """Leads are written by `Extractions.complete`, and read here."""

    async def get(self, user_id: UUID, customer_id: UUID) -> Lead:
        """The lead of that customer. Raises NotFound."""
        ...

    async def list(self, user_id: UUID, wanted: ExtractionFilter, page: PageRequest) -> Page[Lead]:
        """The leads of the customers with a run that the filter wants; all of them without any filter."""
        ...
