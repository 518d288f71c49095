"""``/users/{user_id}/customers``: the people who write in, what is on record of them, and how they are erased."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import delete, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from application.app import Application
from application.customers import Export
from application.pages import PageRequest
from application.ports.customer_records import CustomerFilter
from domain.channels import ChannelType
from domain.customers import KnownCustomer
from domain.users import Caller
from entrypoints.rest.bodies import view
from entrypoints.rest.conversations import ConversationView
from entrypoints.rest.extractions import ExtractionView
from entrypoints.rest.filters import checked_customer
from entrypoints.rest.leads import LeadView
from entrypoints.rest.messages import MessageView
from entrypoints.rest.paging import Listing, listing


class KnownCustomerView(msgspec.Struct):
    """A customer; `aliases` are all that the platform calls them, now or before."""

    id: UUID
    user_id: UUID
    type: ChannelType
    address: str
    name: str | None
    username: str | None
    aliases: list[str]
    created_at: datetime


class ConsentView(msgspec.Struct):
    """A STOP or START on record."""

    id: UUID
    phone_number_id: UUID
    kind: str
    message_id: UUID
    created_at: datetime


class PastTurnView(msgspec.Struct):
    """A turn: one answer to one or more messages, and what made it."""

    id: UUID
    conversation_id: UUID
    status: str
    reason: str | None
    error: dict[str, Any] | None
    attempts: int
    prompt_id: str | None
    prompt_version: int | None
    model: str | None
    response_id: str | None
    input_tokens: int | None
    output_tokens: int | None
    created_at: datetime
    ended_at: datetime | None


class ExportView(msgspec.Struct):
    """All that is on record of a customer. Files are named by their messages, and fetched from there."""

    customer: KnownCustomerView
    consents: list[ConsentView]
    conversations: list[ConversationView]
    messages: list[MessageView]
    turns: list[PastTurnView]
    extractions: list[ExtractionView]
    leads: list[LeadView]


SECTIONS: dict[str, type] = {
    "consents": ConsentView,
    "conversations": ConversationView,
    "messages": MessageView,
    "turns": PastTurnView,
    "extractions": ExtractionView,
    "leads": LeadView,
}


@get("/users/{user_id:uuid}/customers")
async def list_customers(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
    type: FromQuery[ChannelType | None] = None,
    customer: FromQuery[str | None] = None,
) -> Listing[KnownCustomerView]:
    """List a user's customers; `customer` finds one by id or by any of their addresses."""
    wanted = CustomerFilter(type, checked_customer(customer))
    return listing(KnownCustomerView, await application.customers.list(caller, user_id, wanted, page))


@get("/users/{user_id:uuid}/customers/{customer_id:uuid}")
async def show_customer(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    customer_id: FromPath[UUID],
) -> KnownCustomerView:
    """Show a customer."""
    return view(KnownCustomerView, await application.customers.get(caller, user_id, customer_id))


@get(
    "/users/{user_id:uuid}/customers/{customer_id:uuid}/export",
    responses={200: ResponseSpec(ExportView, generate_examples=False, description="One JSON document, streamed")},
)
async def export_customer(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    customer_id: FromPath[UUID],
) -> Stream:
    """Export all that is on record of a customer as one document. A connection that breaks leaves it unfinished."""
    customer, export = await application.customers.export(caller, user_id, customer_id)
    name = f"customer-{customer_id}.json"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Stream(_document(customer, export), media_type="application/json", headers=headers)


@delete("/users/{user_id:uuid}/customers/{customer_id:uuid}")
async def erase_customer(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    customer_id: FromPath[UUID],
) -> None:
    """Erase a customer with everything of theirs; a turn under way ends, and nothing more is sent or charged."""
    await application.customers.erase(caller, user_id, customer_id)


routes = [list_customers, show_customer, export_customer, erase_customer]


async def _document(customer: KnownCustomer, export: Export) -> AsyncIterator[bytes]:
    """The export as one JSON object, a piece at a time: sections that nothing came for are empty lists."""
    yield b'{"customer":' + msgspec.json.encode(view(KnownCustomerView, customer))
    to_come = list(SECTIONS)
    is_open = False
    async for section, item in export:
        while section in to_come:
            yield _opening(to_come.pop(0), is_open=is_open)
            is_open, separator = True, b""
        yield separator + msgspec.json.encode(view(SECTIONS[section], item))
        separator = b","
    for section in to_come:
        yield _opening(section, is_open=is_open)
        is_open = True
    yield b"]}"


def _opening(section: str, *, is_open: bool) -> bytes:
    """The end of the section before and the beginning of this one."""
    return (b"]," if is_open else b",") + b'"' + section.encode() + b'":['
