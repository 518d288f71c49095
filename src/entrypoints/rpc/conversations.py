"""`ConversationService` over the application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from application.app import Application
from application.conversations.follow_messages import Heartbeat
from application.ports.conversations import ConversationFilter, MessageFilter
from application.ports.customer_records import CustomerFilter
from application.ports.live import StreamOver
from domain.channels import ChannelType
from domain.conversations import Message
from domain.shared import InvalidInput, Unavailable
from entrypoints.rpc._generated.frontdesk.v1 import conversation_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.conversation_pb2_grpc import ConversationServiceServicer
from entrypoints.rpc.customer_views import customer_out, exported_out
from entrypoints.rpc.fields import (
    emptied_in,
    optional_text_in,
    optional_time_in,
    optional_uuid_in,
    page_in,
    uuid_in,
    word_in,
)
from entrypoints.rpc.idempotency import once_of
from entrypoints.rpc.interceptors import Context, caller_of_call
from entrypoints.rpc.message_views import conversation_out, medium_out, message_out, messages_out, trace_out

PIECE_BYTES = 64 * 1024


class ConversationServicer(ConversationServiceServicer):
    """Conversations by gRPC."""

    def __init__(self, application: Application) -> None:
        self._conversations = application.conversations
        self._customers = application.customers
        self._pauses = application.pauses
        self._follow_messages = application.follow_messages
        self._trace_message = application.trace_message
        self._read_media = application.read_media
        self._application = application

    async def GetConversation(self, request: pb.GetConversationRequest, context: Context) -> pb.GetConversationResponse:
        """Show a conversation."""
        user_id = uuid_in(request.user_id, "user_id")
        conversation_id = uuid_in(request.conversation_id, "conversation_id")
        conversation = await self._conversations.get(caller_of_call.get(), user_id, conversation_id)
        return pb.GetConversationResponse(conversation=conversation_out(conversation))

    async def ListConversations(
        self, request: pb.ListConversationsRequest, context: Context
    ) -> pb.ListConversationsResponse:
        """List a user's conversations."""
        user_id = uuid_in(request.user_id, "user_id")
        wanted = ConversationFilter(
            status=word_in(pb.ConversationStatus.DESCRIPTOR, request.status, "status"),
            phone_number_id=optional_uuid_in(request.phone_number_id, "phone_number_id"),
            agent_id=optional_uuid_in(request.agent_id, "agent_id"),
            customer=optional_text_in(request.customer, "customer"),
            active_since=optional_time_in(request.active_since, "active_since"),
        )
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._conversations.list(caller_of_call.get(), user_id, wanted, page)
        return pb.ListConversationsResponse(
            conversations=[conversation_out(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def ArchiveConversation(
        self, request: pb.ArchiveConversationRequest, context: Context
    ) -> pb.ArchiveConversationResponse:
        """End a conversation."""
        user_id = uuid_in(request.user_id, "user_id")
        conversation_id = uuid_in(request.conversation_id, "conversation_id")
        conversation = await self._conversations.archive(caller_of_call.get(), user_id, conversation_id)
        return pb.ArchiveConversationResponse(conversation=conversation_out(conversation))

    async def PauseConversation(
        self, request: pb.PauseConversationRequest, context: Context
    ) -> pb.PauseConversationResponse:
        """Silence the agent."""
        user_id = uuid_in(request.user_id, "user_id")
        conversation_id = uuid_in(request.conversation_id, "conversation_id")
        minutes = emptied_in(request, "minutes")
        conversation = await self._pauses.pause(caller_of_call.get(), user_id, conversation_id, minutes)
        return pb.PauseConversationResponse(conversation=conversation_out(conversation))

    async def ResumeConversation(
        self, request: pb.ResumeConversationRequest, context: Context
    ) -> pb.ResumeConversationResponse:
        """End a pause."""
        user_id = uuid_in(request.user_id, "user_id")
        conversation_id = uuid_in(request.conversation_id, "conversation_id")
        conversation = await self._pauses.resume(caller_of_call.get(), user_id, conversation_id)
        return pb.ResumeConversationResponse(conversation=conversation_out(conversation))

    async def ListMessages(self, request: pb.ListMessagesRequest, context: Context) -> pb.ListMessagesResponse:
        """List a user's messages."""
        user_id = uuid_in(request.user_id, "user_id")
        wanted = MessageFilter(
            conversation_id=optional_uuid_in(request.conversation_id, "conversation_id"),
            phone_number_id=optional_uuid_in(request.phone_number_id, "phone_number_id"),
            direction=word_in(pb.Direction.DESCRIPTOR, request.direction, "direction"),
            status=word_in(pb.MessageStatus.DESCRIPTOR, request.status, "status"),
            since=optional_time_in(request.since, "since"),
            until=optional_time_in(request.until, "until"),
            customer=optional_text_in(request.customer, "customer"),
        )
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._conversations.messages(caller_of_call.get(), user_id, wanted, page)
        return messages_out(found.items, found.next_cursor)

    async def WatchMessages(
        self, request: pb.WatchMessagesRequest, context: Context
    ) -> AsyncIterator[pb.WatchMessagesResponse]:
        """Follow a conversation; the first metadata comes as soon as nothing can be missed any more."""
        user_id = uuid_in(request.user_id, "user_id")
        conversation_id = uuid_in(request.conversation_id, "conversation_id")
        if request.after_sequence_number < 0:
            raise InvalidInput("after_sequence_number", "It must not be negative.")
        following = self._follow_messages(caller_of_call.get(), user_id, conversation_id, request.after_sequence_number)
        try:
            async with aclosing(following):
                await anext(following)
                await context.send_initial_metadata(())
                async for told in following:
                    if not isinstance(told, Heartbeat):
                        yield pb.WatchMessagesResponse(message=message_out(told.message), is_update=told.is_update)
        except StreamOver:
            raise Unavailable("The watch is over; watch on behind the last sequence number.") from None

    async def RetryMessage(self, request: pb.RetryMessageRequest, context: Context) -> pb.RetryMessageResponse:
        """Send a failed message again."""
        user_id = uuid_in(request.user_id, "user_id")
        message_id = uuid_in(request.message_id, "message_id")
        once = once_of(self._application, request, _retried)
        return _retried(await self._application.retry_message(caller_of_call.get(), user_id, message_id, once))

    async def ReplyByHand(self, request: pb.ReplyByHandRequest, context: Context) -> pb.ReplyByHandResponse:
        """Reply as a person."""
        user_id = uuid_in(request.user_id, "user_id")
        conversation_id = uuid_in(request.conversation_id, "conversation_id")
        caller, once = caller_of_call.get(), once_of(self._application, request, _replied)
        return _replied(await self._application.reply_by_hand(caller, user_id, conversation_id, request.text, once))

    async def TraceMessage(self, request: pb.TraceMessageRequest, context: Context) -> pb.TraceMessageResponse:
        """Tell every stage that a message passed."""
        user_id, message_id = uuid_in(request.user_id, "user_id"), uuid_in(request.message_id, "message_id")
        trace = await self._trace_message(caller_of_call.get(), user_id, message_id)
        return pb.TraceMessageResponse(trace=trace_out(trace))

    async def ListCustomers(self, request: pb.ListCustomersRequest, context: Context) -> pb.ListCustomersResponse:
        """List a user's customers."""
        user_id = uuid_in(request.user_id, "user_id")
        type_ = word_in(pb.CustomerType.DESCRIPTOR, request.type, "type")
        wanted = CustomerFilter(
            None if type_ is None else ChannelType(type_), optional_text_in(request.customer, "customer")
        )
        page = page_in(request.page_size, request.page_token, request.order_by)
        found = await self._customers.list(caller_of_call.get(), user_id, wanted, page)
        return pb.ListCustomersResponse(
            customers=[customer_out(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def GetCustomer(self, request: pb.GetCustomerRequest, context: Context) -> pb.GetCustomerResponse:
        """Show a customer."""
        user_id, customer_id = uuid_in(request.user_id, "user_id"), uuid_in(request.customer_id, "customer_id")
        customer = await self._customers.get(caller_of_call.get(), user_id, customer_id)
        return pb.GetCustomerResponse(customer=customer_out(customer))

    async def ExportCustomer(
        self, request: pb.ExportCustomerRequest, context: Context
    ) -> AsyncIterator[pb.ExportCustomerResponse]:
        """Export all that is on record of a customer."""
        user_id, customer_id = uuid_in(request.user_id, "user_id"), uuid_in(request.customer_id, "customer_id")
        customer, export = await self._customers.export(caller_of_call.get(), user_id, customer_id)
        yield pb.ExportCustomerResponse(customer=customer_out(customer))
        async for _, item in export:
            yield exported_out(item)

    async def DeleteCustomer(self, request: pb.DeleteCustomerRequest, context: Context) -> pb.DeleteCustomerResponse:
        """Erase a customer with everything of theirs."""
        user_id, customer_id = uuid_in(request.user_id, "user_id"), uuid_in(request.customer_id, "customer_id")
        await self._customers.erase(caller_of_call.get(), user_id, customer_id)
        return pb.DeleteCustomerResponse()

    async def DownloadMedium(
        self, request: pb.DownloadMediumRequest, context: Context
    ) -> AsyncIterator[pb.DownloadMediumResponse]:
        """Fetch a file that came with a message: what it is, then its bytes."""
        user_id, message_id = uuid_in(request.user_id, "user_id"), uuid_in(request.message_id, "message_id")
        if request.place < 0:
            raise InvalidInput("place", "It must not be negative.")
        medium, chunks = await self._read_media(caller_of_call.get(), user_id, message_id, request.place)
        yield pb.DownloadMediumResponse(medium=medium_out(medium))
        async for chunk in chunks:
            for start in range(0, len(chunk), PIECE_BYTES):
                yield pb.DownloadMediumResponse(data=bytes(chunk[start : start + PIECE_BYTES]))


def _replied(message: Message) -> pb.ReplyByHandResponse:
    return pb.ReplyByHandResponse(message=message_out(message))


def _retried(message: Message) -> pb.RetryMessageResponse:
    return pb.RetryMessageResponse(message=message_out(message))
