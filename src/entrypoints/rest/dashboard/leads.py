"""Leads: what is known of each customer, with its proofs, and all of it as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from application.app import Application
from application.console import SignedIn
from application.pages import PageRequest
from application.ports.extractions import ExtractionFilter
from domain.leads.runs import ExtractionStatus
from entrypoints.rest.dashboard.filters import day_in, id_in
from entrypoints.rest.dashboard.pages import Desk
from entrypoints.rest.exports import exported
from entrypoints.rest.leads import COLUMNS, LeadView

CHOICES_MAX = 200
LEADS_SHOWN = 30
FILTERS = ("agent_id", "status", "since", "until")


@get("/users/{user_id:uuid}/leads")
async def show_leads(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
) -> Response[Any]:
    """The list, newest first, with its filters."""
    desk = await Desk.of(request, application, signed_in, user_id)
    query = _query_of(request)
    page = PageRequest(LEADS_SHOWN, request.query_params.get("cursor") or None, newest_first=True)
    found = await application.leads.list(desk.caller, user_id, _wanted(query), page)
    agents = await application.agents.list(desk.caller, user_id, PageRequest(CHOICES_MAX))
    return desk.page(
        "leads",
        leads=found,
        query=query,
        agents=agents.items,
        statuses=list(ExtractionStatus),
        next_query=urlencode({**query, "cursor": found.next_cursor}) if found.next_cursor else None,
        exports={kind: urlencode({**query, "format": kind}) for kind in ("csv", "jsonl")},
        is_first=page.cursor is None,
    )


@get("/users/{user_id:uuid}/leads/export")
async def export_leads(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
) -> Stream:
    """What the filters want as a file: the one that REST hands out, for whoever has a session instead of a key."""
    desk = await Desk.of(request, application, signed_in, user_id)
    format_: Literal["csv", "jsonl"] = "jsonl" if request.query_params.get("format") == "jsonl" else "csv"
    batches = await application.leads.export(desk.caller, user_id, _wanted(_query_of(request)))
    names = await application.agents.lead_fields(desk.caller, user_id)
    return exported(format_, "leads", LeadView, COLUMNS, names, batches)


def _query_of(request: Request[Any, Any, Any]) -> dict[str, str]:
    given = ((name, request.query_params.get(name, "")) for name in FILTERS)
    return {name: value for name, value in given if value}


def _wanted(query: Mapping[str, str]) -> ExtractionFilter:
    status = query.get("status")
    return ExtractionFilter(
        agent_id=id_in(query.get("agent_id")),
        status=ExtractionStatus(status) if status in set(ExtractionStatus) else None,
        since=day_in(query.get("since")),
        until=day_in(query.get("until"), after=1),
    )


routes = [show_leads, export_leads]
