"""Leads in Postgres: values as they are written with a run, and read back merged."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from adapters.persistence.database import Database
from adapters.persistence.pages import BY_CREATION, Order, fetch_page
from adapters.persistence.rows import found
from application.pages import Page, PageRequest
from application.ports.extractions import ClaimedRun, ExtractionFilter
from domain.conversations import Customer
from domain.leads.merging import Lead, LeadValue
from domain.leads.reading import Reading

BY_FIRST_RUN = Order(("item.created_at", "item.customer_id"), BY_CREATION.written, BY_CREATION.read)

LIST = """
select item.user_id, item.customer_id, customer.address, customer.name, item.fields, item.created_at, item.updated_at
from leads item join customers customer on customer.id = item.customer_id
"""
GET = LIST + "where item.customer_id = %s and item.user_id = %s"
# A filter of runs: each part may stand alone, so all are in one look, and null counts for nothing.
WITH_RUN: LiteralString = """
exists (
    select from conversations c join extractions run on run.conversation_id = c.id, (values (%s::jsonb)) wanted (run)
    where c.customer_id = item.customer_id
        and run.conversation_id = coalesce((wanted.run ->> 'conversation_id')::uuid, run.conversation_id)
        and ((wanted.run ->> 'agent_id') is null or run.agent_id = (wanted.run ->> 'agent_id')::uuid)
        and run.status = coalesce(wanted.run ->> 'status', run.status)
        and run.created_at >= coalesce((wanted.run ->> 'since')::timestamptz, '-infinity')
        and run.created_at < coalesce((wanted.run ->> 'until')::timestamptz, 'infinity')
)
"""


class PostgresLeads:
    """Leads, read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: UUID, customer_id: UUID) -> Lead:
        """The lead of that customer; see the port."""
        return _lead(found(await self._database.of(user_id).fetch(GET, (customer_id, user_id)), "lead"))

    async def list(self, user_id: UUID, wanted: ExtractionFilter, page: PageRequest) -> Page[Lead]:
        """The leads that are wanted; see the port."""
        conditions = {"item.user_id = %s": user_id, WITH_RUN: _written_filter(wanted)}
        return await fetch_page(self._database.of(user_id), LIST, conditions, page, _lead, BY_FIRST_RUN)


def written_values(run: ClaimedRun, reading: Reading) -> dict[str, Any]:
    """What a run found as the values of a lead, each with its proof."""
    return {
        name: [
            {
                "value": one.value,
                "evidence": list(one.evidence),
                "conversation_id": str(run.conversation_id),
                "extraction_id": str(run.id),
                "proven_at": one.proven_at.isoformat(),
                "read_at": run.created_at.isoformat(),
            }
        ]
        for name, one in reading.values.items()
    }


def _written_filter(wanted: ExtractionFilter) -> str | None:
    """The filter as JSON, None when it wants everything."""
    parts = {
        "conversation_id": wanted.conversation_id,
        "agent_id": wanted.agent_id,
        "status": wanted.status,
        "since": wanted.since and wanted.since.isoformat(),
        "until": wanted.until and wanted.until.isoformat(),
    }
    given = {name: str(value) for name, value in parts.items() if value is not None}
    return msgspec.json.encode(given).decode() if given else None


def _lead(row: TupleRow) -> Lead:
    user_id, customer_id, address, name, fields, *times = row
    values = {field: tuple(_value(one) for one in fields[field]) for field in fields}
    return Lead(user_id, Customer(customer_id, address, name), values, *times)


def _value(written: dict[str, Any]) -> LeadValue:
    return LeadValue(
        written["value"],
        tuple(written["evidence"]),
        UUID(written["conversation_id"]),
        UUID(written["extraction_id"]),
        datetime.fromisoformat(written["proven_at"]),
        datetime.fromisoformat(written["read_at"]),
    )
