"""``/users/{user_id}/leads``: what is known of each customer now."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from application.app import Application
from application.pages import PageRequest
from application.ports.extractions import ExtractionFilter
from domain.users import Caller
from entrypoints.rest.bodies import view
from entrypoints.rest.exports import EXPORT, ExportFormat, exported
from entrypoints.rest.paging import Listing, listing


class LeadCustomerView(msgspec.Struct):
    """Whose lead it is."""

    id: UUID
    address: str
    name: str | None


class LeadValueView(msgspec.Struct):
    """A value and its proof: messages of a conversation by their sequence numbers, the last written at `proven_at`."""

    value: Any
    evidence: list[int]
    conversation_id: UUID
    extraction_id: UUID
    proven_at: datetime


class LeadView(msgspec.Struct):
    """The lead of a customer over all their conversations; its `id` is the customer's.

    `data` has the value of each field that counts, the newest proven one; `fields` all of them, that one first.
    """

    id: UUID
    customer: LeadCustomerView
    data: dict[str, Any]
    fields: dict[str, list[LeadValueView]]
    created_at: datetime
    updated_at: datetime


@get("/users/{user_id:uuid}/leads")
async def list_leads(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
    runs: NamedDependency[ExtractionFilter],
) -> Listing[LeadView]:
    """List a user's leads: of all customers, or of those with an extraction that the filters want."""
    return listing(LeadView, await application.leads.list(caller, user_id, runs, page))


@get("/users/{user_id:uuid}/leads/{customer_id:uuid}")
async def show_lead(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    customer_id: FromPath[UUID],
) -> LeadView:
    """Show the lead of a customer."""
    return view(LeadView, await application.leads.get(caller, user_id, customer_id))


@get("/users/{user_id:uuid}/leads/export", responses=EXPORT)
async def export_leads(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    runs: NamedDependency[ExtractionFilter],
    format: FromQuery[ExportFormat] = "csv",
) -> Stream:
    """Export a user's leads as CSV or JSON Lines, oldest first, any number of them."""
    return await exported_leads(application, caller, user_id, runs, format)


async def exported_leads(
    application: Application, caller: Caller, user_id: UUID, runs: ExtractionFilter, format_: ExportFormat
) -> Stream:
    """Those leads as a file, for whichever door asks."""
    batches = await application.leads.export(caller, user_id, runs)
    names = await application.agents.lead_fields(caller, user_id)
    return exported(format_, "leads", LeadView, COLUMNS, names, batches)


COLUMNS = ("id", "customer.address", "customer.name", "created_at", "updated_at")

routes = [list_leads, export_leads, show_lead]
