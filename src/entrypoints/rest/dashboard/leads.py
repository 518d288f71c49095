"""Leads: what is known of each customer, by what it is proved, and how it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from application.app import Application
from application.console import SignedIn
from application.pages import PageRequest
from application.ports.conversations import ConversationFilter
from application.ports.extractions import ExtractionFilter
from domain.leads.merging import Lead, LeadValue
from domain.leads.runs import Extraction, ExtractionStatus
from entrypoints.rest.dashboard.filters import day_in, id_in
from entrypoints.rest.dashboard.pages import Desk, or_none
from entrypoints.rest.exports import ExportFormat
from entrypoints.rest.leads import exported_leads

AGENTS_MAX = 200
LEADS_SHOWN = 30
CONVERSATIONS_READ = 10
"""Of how many conversations of a customer, the newest first, the runs are shown."""
RUNS_SHOWN = 20
FILTERS = ("agent_id", "status", "since", "until")


@get("/users/{user_id:uuid}/leads")
async def show_leads(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
) -> Response[Any]:
    """The list, newest customers first, with its filters."""
    desk = await Desk.of(request, application, signed_in, user_id)
    query = _query_of(request)
    page = PageRequest(LEADS_SHOWN, request.query_params.get("cursor") or None, newest_first=True)
    found = await application.leads.list(desk.caller, user_id, _wanted(query), page)
    names = await application.agents.lead_fields(desk.caller, user_id)
    return desk.page(
        "leads",
        leads=[(lead, _in_order(lead, names)) for lead in found.items],
        query=query,
        next_query=urlencode({**query, "cursor": found.next_cursor}) if found.next_cursor else None,
        exports={name: urlencode({**query, "format": name}) for name in ("csv", "jsonl")},
        is_first=page.cursor is None,
        statuses=list(ExtractionStatus),
        agents=(await application.agents.list(desk.caller, user_id, PageRequest(AGENTS_MAX))).items,
    )


@get("/users/{user_id:uuid}/leads/export")
async def export_leads(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
    format: FromQuery[ExportFormat] = "csv",
) -> Stream:
    """All that the filters want as a file, the very one that REST hands out."""
    desk = await Desk.of(request, application, signed_in, user_id)
    return await exported_leads(application, desk.caller, user_id, _wanted(_query_of(request)), format)


@get("/users/{user_id:uuid}/leads/{customer_id:uuid}")
async def show_lead(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
    customer_id: FromPath[UUID],
) -> Response[Any]:
    """What is known of a customer, and every reading, also of one of whom nothing is proved yet."""
    desk = await Desk.of(request, application, signed_in, user_id)
    customer = await application.customers.get(desk.caller, user_id, customer_id)
    lead = await or_none(application.leads.get(desk.caller, user_id, customer_id))
    names = await application.agents.lead_fields(desk.caller, user_id)
    return desk.page(
        "lead",
        customer=customer,
        known=_in_order(lead, names) if lead else [],
        runs=await _runs(desk, customer_id),
    )


def _query_of(request: Request[Any, Any, Any]) -> dict[str, str]:
    given = ((name, request.query_params.get(name, "")) for name in FILTERS)
    return {name: value for name, value in given if value}


def _wanted(query: Mapping[str, str]) -> ExtractionFilter:
    """The customers with a run of that agent, that ended so, in those days."""
    status = query.get("status")
    return ExtractionFilter(
        agent_id=id_in(query.get("agent_id")),
        status=ExtractionStatus(status) if status in set(ExtractionStatus) else None,
        since=day_in(query.get("since")),
        until=day_in(query.get("until"), after=1),
    )


def _in_order(lead: Lead, names: Sequence[str]) -> list[tuple[str, Sequence[LeadValue]]]:
    """The fields in the order of the forms, as in an export; those that no form names any more at the end."""
    return [(name, lead.fields[name]) for name in dict.fromkeys((*names, *lead.fields)) if name in lead.fields]


async def _runs(desk: Desk, customer_id: UUID) -> list[Extraction]:
    """The newest runs over the customer's conversations."""
    wanted = ConversationFilter(customer=str(customer_id))
    page = PageRequest(CONVERSATIONS_READ, newest_first=True)
    conversations = await desk.application.conversations.list(desk.caller, desk.user_id, wanted, page)
    runs: list[Extraction] = []
    for one in conversations.items:
        runs += await runs_of(desk, one.id, RUNS_SHOWN)
    return sorted(runs, key=lambda run: run.created_at, reverse=True)[:RUNS_SHOWN]


async def runs_of(desk: Desk, conversation_id: UUID, limit: int) -> Sequence[Extraction]:
    """The newest runs of a conversation."""
    wanted, page = ExtractionFilter(conversation_id), PageRequest(limit, newest_first=True)
    return (await desk.application.extractions.list(desk.caller, desk.user_id, wanted, page)).items


routes = [show_leads, export_leads, show_lead]
