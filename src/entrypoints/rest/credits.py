"""``/users/{user_id}/credits``: the account, topping it up, and its ledger."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from application.app import Application
from application.pages import PageRequest
from application.ports.credits import Added
from domain.credits import EntryKind, Usage, UsageGroup
from domain.users import Caller
from entrypoints.rest.bodies import view
from entrypoints.rest.filters import checked_time
from entrypoints.rest.idempotency import Repeatable
from entrypoints.rest.paging import Listing, listing


class TopUp(msgspec.Struct, forbid_unknown_fields=True):
    """How much is added, and why."""

    amount: int
    note: str | None = None


class AccountView(msgspec.Struct):
    """What is owned, promised to turns under way, and left for new ones."""

    balance: int
    held: int
    available: int


class EntryView(msgspec.Struct):
    """A line of the ledger."""

    id: int
    kind: EntryKind
    amount: int
    balance_change: int
    held_change: int
    turn_id: UUID | None
    extraction_id: UUID | None
    note: str | None
    created_at: datetime


class AddedView(msgspec.Struct):
    """The new line, and the account right after it."""

    entry: EntryView
    balance: int
    held: int
    available: int


class UsageView(msgspec.Struct):
    """What was paid. What the report is grouped by is set: a day of UTC, or the id of what may be gone by now."""

    day: date | None
    agent_id: UUID | None
    phone_number_id: UUID | None
    captured: int
    refunded: int
    net: int
    replies: int


@get("/users/{user_id:uuid}/credits")
async def show_credits(
    application: NamedDependency[Application], caller: NamedDependency[Caller], user_id: FromPath[UUID]
) -> AccountView:
    """Show a user's credits."""
    return view(AccountView, await application.credits.account(caller, user_id))


@post("/users/{user_id:uuid}/credits/add")
async def add_credits(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    data: JSONBody[TopUp],
    repeatable: NamedDependency[Repeatable],
) -> AddedView:
    """Add credits; messages that were blocked for want of them go on."""
    return _added(await application.credits.add(caller, user_id, data.amount, data.note, repeatable.once(_added)))


@get("/users/{user_id:uuid}/credits/entries")
async def list_entries(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
) -> Listing[EntryView]:
    """List the lines of a user's ledger."""
    return listing(EntryView, await application.credits.entries(caller, user_id, page))


@get("/users/{user_id:uuid}/credits/usage")
async def list_usage(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
    group_by: FromQuery[UsageGroup] = UsageGroup.DAY,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
) -> Listing[UsageView]:
    """List what replies cost by day, agent or phone number: of the last 30 days, or from `since` up to `until`."""
    times = (checked_time(since, "since"), checked_time(until, "until"))
    usage = await application.report_usage(caller, user_id, group_by, page, *times)
    return Listing([_usage_view(one, group_by) for one in usage.items], usage.next_cursor)


routes = [show_credits, add_credits, list_entries, list_usage]


def _usage_view(usage: Usage, group: UsageGroup) -> UsageView:
    return UsageView(
        date.fromisoformat(usage.key) if group is UsageGroup.DAY else None,
        UUID(usage.key) if group is UsageGroup.AGENT and usage.key else None,
        UUID(usage.key) if group is UsageGroup.PHONE_NUMBER and usage.key else None,
        usage.captured,
        usage.refunded,
        usage.net,
        usage.replies,
    )


def _added(added: Added) -> AddedView:
    account = added.account
    return AddedView(view(EntryView, added.entry), account.balance, account.held, account.available)
