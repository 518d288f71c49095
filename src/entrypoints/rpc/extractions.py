"""`ExtractionService` over the application."""

from __future__ import annotations

from collections.abc import AsyncIterator

from application.app import Application
from application.ports.extractions import ExtractionFilter
from domain.leads.runs import Extraction, ExtractionStatus
from entrypoints.rpc._generated.frontdesk.v1 import extraction_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.extraction_pb2_grpc import ExtractionServiceServicer
from entrypoints.rpc.fields import optional_time_in, optional_uuid_in, page_in, uuid_in, word_in
from entrypoints.rpc.idempotency import once_of
from entrypoints.rpc.interceptors import Context, caller_of_call
from entrypoints.rpc.lead_views import extraction_out, lead_out

Filtered = pb.ListExtractionsRequest | pb.ExportExtractionsRequest | pb.ListLeadsRequest | pb.ExportLeadsRequest


class ExtractionServicer(ExtractionServiceServicer):
    """Extractions and leads by gRPC."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._extractions = application.extractions
        self._leads = application.leads

    async def ListExtractions(self, request: pb.ListExtractionsRequest, context: Context) -> pb.ListExtractionsResponse:
        """List a user's extractions."""
        user_id = uuid_in(request.user_id, "user_id")
        wanted, page = _wanted(request), page_in(request.page_size, request.page_token, request.order_by)
        found = await self._extractions.list(caller_of_call.get(), user_id, wanted, page)
        return pb.ListExtractionsResponse(
            extractions=[extraction_out(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def GetExtraction(self, request: pb.GetExtractionRequest, context: Context) -> pb.GetExtractionResponse:
        """Show an extraction."""
        user_id, extraction_id = uuid_in(request.user_id, "user_id"), uuid_in(request.extraction_id, "extraction_id")
        run = await self._extractions.get(caller_of_call.get(), user_id, extraction_id)
        return pb.GetExtractionResponse(extraction=extraction_out(run))

    async def ExportExtractions(
        self, request: pb.ExportExtractionsRequest, context: Context
    ) -> AsyncIterator[pb.ExportExtractionsResponse]:
        """Export a user's extractions."""
        user_id = uuid_in(request.user_id, "user_id")
        batches = await self._extractions.export(caller_of_call.get(), user_id, _wanted(request))
        async for batch in batches:
            for run in batch:
                yield pb.ExportExtractionsResponse(extraction=extraction_out(run))

    async def ExtractConversation(
        self, request: pb.ExtractConversationRequest, context: Context
    ) -> pb.ExtractConversationResponse:
        """Have a conversation read now."""
        user_id = uuid_in(request.user_id, "user_id")
        conversation_id = uuid_in(request.conversation_id, "conversation_id")
        caller, once = caller_of_call.get(), once_of(self._application, request, _opened)
        return _opened(await self._extractions.request(caller, user_id, conversation_id, once))

    async def ExtractAgent(self, request: pb.ExtractAgentRequest, context: Context) -> pb.ExtractAgentResponse:
        """Have all conversations of an agent read."""
        user_id, agent_id = uuid_in(request.user_id, "user_id"), uuid_in(request.agent_id, "agent_id")
        caller, once = caller_of_call.get(), once_of(self._application, request, _requested)
        return _requested(await self._extractions.request_all(caller, user_id, agent_id, once))

    async def ListLeads(self, request: pb.ListLeadsRequest, context: Context) -> pb.ListLeadsResponse:
        """List a user's leads."""
        user_id = uuid_in(request.user_id, "user_id")
        wanted, page = _wanted(request), page_in(request.page_size, request.page_token, request.order_by)
        found = await self._leads.list(caller_of_call.get(), user_id, wanted, page)
        return pb.ListLeadsResponse(
            leads=[lead_out(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def GetLead(self, request: pb.GetLeadRequest, context: Context) -> pb.GetLeadResponse:
        """Show the lead of a customer."""
        user_id, customer_id = uuid_in(request.user_id, "user_id"), uuid_in(request.customer_id, "customer_id")
        return pb.GetLeadResponse(lead=lead_out(await self._leads.get(caller_of_call.get(), user_id, customer_id)))

    async def ExportLeads(
        self, request: pb.ExportLeadsRequest, context: Context
    ) -> AsyncIterator[pb.ExportLeadsResponse]:
        """Export a user's leads."""
        user_id = uuid_in(request.user_id, "user_id")
        batches = await self._leads.export(caller_of_call.get(), user_id, _wanted(request))
        async for batch in batches:
            for lead in batch:
                yield pb.ExportLeadsResponse(lead=lead_out(lead))


def _wanted(request: Filtered) -> ExtractionFilter:
    """The extractions that the request is about. Raises InvalidInput."""
    status = word_in(pb.ExtractionStatus.DESCRIPTOR, request.status, "status")
    return ExtractionFilter(
        optional_uuid_in(request.conversation_id, "conversation_id"),
        optional_uuid_in(request.agent_id, "agent_id"),
        None if status is None else ExtractionStatus(status),
        optional_time_in(request.since, "since"),
        optional_time_in(request.until, "until"),
    )


def _opened(run: Extraction) -> pb.ExtractConversationResponse:
    return pb.ExtractConversationResponse(extraction=extraction_out(run))


def _requested(count: int) -> pb.ExtractAgentResponse:
    return pb.ExtractAgentResponse(requested=count)
