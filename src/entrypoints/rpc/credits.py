"""`CreditService` over the application."""

from __future__ import annotations

from application.app import Application
from application.ports.credits import Added
from domain.credits import Account, Entry, Usage, UsageGroup
from entrypoints.rpc._generated.frontdesk.v1 import credit_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.credit_pb2_grpc import CreditServiceServicer
from entrypoints.rpc.fields import (
    emptied_in,
    number_out,
    optional_id_out,
    optional_time_in,
    page_in,
    time_out,
    uuid_in,
    word_in,
)
from entrypoints.rpc.idempotency import once_of
from entrypoints.rpc.interceptors import Context, caller_of_call


class CreditServicer(CreditServiceServicer):
    """Credits by gRPC."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def GetBalance(self, request: pb.GetBalanceRequest, context: Context) -> pb.GetBalanceResponse:
        """Show a user's credits."""
        user_id = uuid_in(request.user_id, "user_id")
        account = await self._application.credits.account(caller_of_call.get(), user_id)
        return pb.GetBalanceResponse(balance=_balance(account))

    async def AddCredits(self, request: pb.AddCreditsRequest, context: Context) -> pb.AddCreditsResponse:
        """Add credits, once for each key."""
        user_id = uuid_in(request.user_id, "user_id")
        note, once = emptied_in(request, "note"), once_of(self._application, request, _added)
        return _added(await self._application.credits.add(caller_of_call.get(), user_id, request.amount, note, once))

    async def ListEntries(self, request: pb.ListEntriesRequest, context: Context) -> pb.ListEntriesResponse:
        """List the lines of a user's ledger."""
        user_id = uuid_in(request.user_id, "user_id")
        page = page_in(request.page_size, request.page_token, request.order_by)
        entries = await self._application.credits.entries(caller_of_call.get(), user_id, page)
        return pb.ListEntriesResponse(
            entries=[_entry(entry) for entry in entries.items], next_page_token=entries.next_cursor or ""
        )

    async def ListUsage(self, request: pb.ListUsageRequest, context: Context) -> pb.ListUsageResponse:
        """List what replies cost."""
        user_id = uuid_in(request.user_id, "user_id")
        group = UsageGroup(word_in(pb.UsageGroup.DESCRIPTOR, request.group_by, "group_by") or UsageGroup.DAY)
        page = page_in(request.page_size, request.page_token, request.order_by)
        times = (optional_time_in(request.since, "since"), optional_time_in(request.until, "until"))
        usage = await self._application.report_usage(caller_of_call.get(), user_id, group, page, *times)
        return pb.ListUsageResponse(
            usage=[_usage(one, group) for one in usage.items], next_page_token=usage.next_cursor or ""
        )


def _usage(usage: Usage, group: UsageGroup) -> pb.Usage:
    return pb.Usage(
        day=usage.key if group is UsageGroup.DAY else None,
        agent_id=usage.key or None if group is UsageGroup.AGENT else None,
        phone_number_id=usage.key or None if group is UsageGroup.PHONE_NUMBER else None,
        captured=usage.captured,
        refunded=usage.refunded,
        net=usage.net,
        replies=usage.replies,
    )


def _added(added: Added) -> pb.AddCreditsResponse:
    return pb.AddCreditsResponse(entry=_entry(added.entry), balance=_balance(added.account))


def _balance(account: Account) -> pb.Balance:
    return pb.Balance(balance=account.balance, held=account.held, available=account.available)


def _entry(entry: Entry) -> pb.Entry:
    return pb.Entry(
        id=entry.id,
        kind=pb.EntryKind.ValueType(number_out(pb.EntryKind.DESCRIPTOR, entry.kind)),
        amount=entry.amount,
        balance_change=entry.balance_change,
        held_change=entry.held_change,
        turn_id=optional_id_out(entry.turn_id),
        extraction_id=optional_id_out(entry.extraction_id),
        note=entry.note,
        create_time=time_out(entry.created_at),
    )
