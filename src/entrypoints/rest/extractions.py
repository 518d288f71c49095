"""``/users/{user_id}/extractions``: what was read from conversations, run by run, and reading them by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from application.app import Application
from application.pages import PageRequest
from application.ports.extractions import ExtractionFilter
from domain.leads.runs import Extraction, ExtractionStatus, Origin
from domain.users import Caller
from entrypoints.rest.bodies import view
from entrypoints.rest.exports import EXPORT, ExportFormat, exported
from entrypoints.rest.filters import checked_time
from entrypoints.rest.idempotency import Repeatable
from entrypoints.rest.paging import Listing, listing


class RunErrorView(msgspec.Struct):
    """Why an attempt failed."""

    attempt: int
    code: str
    detail: str


class ExtractionView(msgspec.Struct):
    """One reading of a conversation, up to the message `through_sequence_number`.

    `data` has the fields of the agent's lead form that a customer's message proves, `evidence` the sequence numbers
    of those messages, and `dropped` why other values were not believed.
    """

    id: UUID
    conversation_id: UUID
    agent_id: UUID | None
    origin: Origin
    status: ExtractionStatus
    data: dict[str, Any] | None
    evidence: dict[str, list[int]] | None
    dropped: dict[str, str] | None
    errors: list[RunErrorView]
    attempt: int
    through_sequence_number: int
    form_digest: str | None
    prompt_version: int | None
    model: str | None
    input_tokens: int
    output_tokens: int
    created_at: datetime
    ended_at: datetime | None


class RequestedView(msgspec.Struct):
    """How many conversations will be read."""

    requested: int


def runs_wanted(
    conversation_id: FromQuery[UUID | None] = None,
    agent_id: FromQuery[UUID | None] = None,
    status: FromQuery[ExtractionStatus | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
) -> ExtractionFilter:
    """The filter of runs that the query asks for; `since` counts, `until` does not."""
    return ExtractionFilter(
        conversation_id, agent_id, status, checked_time(since, "since"), checked_time(until, "until")
    )


@get("/users/{user_id:uuid}/extractions")
async def list_extractions(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
    runs: NamedDependency[ExtractionFilter],
) -> Listing[ExtractionView]:
    """List a user's extractions; with `conversation_id`, the history of a conversation."""
    return listing(ExtractionView, await application.extractions.list(caller, user_id, runs, page))


@get("/users/{user_id:uuid}/extractions/{extraction_id:uuid}")
async def show_extraction(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    extraction_id: FromPath[UUID],
) -> ExtractionView:
    """Show an extraction."""
    return view(ExtractionView, await application.extractions.get(caller, user_id, extraction_id))


@get("/users/{user_id:uuid}/extractions/export", responses=EXPORT)
async def export_extractions(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    runs: NamedDependency[ExtractionFilter],
    format: FromQuery[ExportFormat] = "csv",
) -> Stream:
    """Export a user's extractions as CSV or JSON Lines, oldest first, any number of them."""
    batches = await application.extractions.export(caller, user_id, runs)
    names = await application.agents.lead_fields(caller, user_id)
    return exported(format, "extractions", ExtractionView, COLUMNS, names, batches)


@post("/users/{user_id:uuid}/conversations/{conversation_id:uuid}/extract", status_code=202)
async def extract_conversation(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    conversation_id: FromPath[UUID],
    repeatable: NamedDependency[Repeatable],
) -> ExtractionView:
    """Have a conversation read now, whether or not there is anything new in it."""
    once = repeatable.once(_view)
    return _view(await application.extractions.request(caller, user_id, conversation_id, once))


@post("/users/{user_id:uuid}/agents/{agent_id:uuid}/extract", status_code=202)
async def extract_agent(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    agent_id: FromPath[UUID],
    repeatable: NamedDependency[Repeatable],
) -> RequestedView:
    """Have all conversations of an agent read, as after a change of its lead form."""
    once = repeatable.once(RequestedView)
    return RequestedView(await application.extractions.request_all(caller, user_id, agent_id, once))


def _view(run: Extraction) -> ExtractionView:
    return view(ExtractionView, run)


COLUMNS = ("id", "conversation_id", "agent_id", "status", "attempt", "created_at", "ended_at")

routes = [list_extractions, export_extractions, show_extraction, extract_conversation, extract_agent]
