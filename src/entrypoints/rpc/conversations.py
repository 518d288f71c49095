"""`ConversationService` over the application."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Struct

from application.app import Application
from application.ports.conversations import ConversationFilter, MessageFilter
from domain.conversations import Conversation, Message
from entrypoints.rpc._generated.frontdesk.v1 import conversation_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.conversation_pb2_grpc import ConversationServiceServicer
from entrypoints.rpc.fields import (
    number_out,
    optional_text_in,
    optional_time_in,
    optional_uuid_in,
    page_in,
    time_out,
    uuid_in,
    word_in,
)
from entrypoints.rpc.idempotency import once_of
from entrypoints.rpc.interceptors import Context, caller_of_call


class ConversationServicer(ConversationServiceServicer):
    """Conversations by gRPC."""

    def __init__(self, application: Application) -> None:
        self._conversations = application.conversations
        self._pauses = application.pauses
        self._application = application

    async def GetConversation(self, request: pb.GetConversationRequest, context: Context) -> pb.GetConversationResponse:
        """Show a conversation."""
        user_id = uuid_in(request.user_id, "user_id")
        conversation_id = uuid_in(request.conversation_id, "conversation_id")
        conversation = await self._conversations.get(caller_of_call.get(), user_id, conversation_id)
        return pb.GetConversationResponse(conversation=_conversation(conversation))

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
            conversations=[_conversation(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def ArchiveConversation(
        self, request: pb.ArchiveConversationRequest, context: Context
    ) -> pb.ArchiveConversationResponse:
        """End a conversation."""
        user_id = uuid_in(request.user_id, "user_id")
        conversation_id = uuid_in(request.conversation_id, "conversation_id")
        conversation = await self._conversations.archive(caller_of_call.get(), user_id, conversation_id)
        return pb.ArchiveConversationResponse(conversation=_conversation(conversation))

    async def PauseConversation(
        self, request: pb.PauseConversationRequest, context: Context
    ) -> pb.PauseConversationResponse:
        """Silence the agent."""
        user_id = uuid_in(request.user_id, "user_id")
        conversation_id = uuid_in(request.conversation_id, "conversation_id")
        minutes = request.minutes if request.HasField("minutes") else None
        conversation = await self._pauses.pause(caller_of_call.get(), user_id, conversation_id, minutes)
        return pb.PauseConversationResponse(conversation=_conversation(conversation))

    async def ResumeConversation(
        self, request: pb.ResumeConversationRequest, context: Context
    ) -> pb.ResumeConversationResponse:
        """End a pause."""
        user_id = uuid_in(request.user_id, "user_id")
        conversation_id = uuid_in(request.conversation_id, "conversation_id")
        conversation = await self._pauses.resume(caller_of_call.get(), user_id, conversation_id)
        return pb.ResumeConversationResponse(conversation=_conversation(conversation))

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
        return pb.ListMessagesResponse(
            messages=[_message(one) for one in found.items], next_page_token=found.next_cursor or ""
        )

    async def RetryMessage(self, request: pb.RetryMessageRequest, context: Context) -> pb.RetryMessageResponse:
        """Send a failed message again."""
        user_id = uuid_in(request.user_id, "user_id")
        message_id = uuid_in(request.message_id, "message_id")
        once = once_of(self._application, request, _retried)
        return _retried(await self._application.retry_message(caller_of_call.get(), user_id, message_id, once))


def _conversation(conversation: Conversation) -> pb.Conversation:
    customer = conversation.customer
    return pb.Conversation(
        id=str(conversation.id),
        phone_number_id=str(conversation.phone_number_id),
        agent_id=None if conversation.agent_id is None else str(conversation.agent_id),
        customer=pb.Customer(id=str(customer.id), address=customer.address, name=customer.name),
        status=pb.ConversationStatus.ValueType(number_out(pb.ConversationStatus.DESCRIPTOR, conversation.status)),
        openai_conversation_id=conversation.openai_conversation_id,
        message_count=conversation.message_count,
        last_activity_time=time_out(conversation.last_activity_at),
        create_time=time_out(conversation.created_at),
        paused_reason=conversation.paused_reason,
        pause_expire_time=None if conversation.paused_until is None else time_out(conversation.paused_until),
    )


def _retried(message: Message) -> pb.RetryMessageResponse:
    return pb.RetryMessageResponse(message=_message(message))


def _message(message: Message) -> pb.Message:
    return pb.Message(
        id=str(message.id),
        conversation_id=str(message.conversation_id),
        phone_number_id=str(message.phone_number_id),
        sequence_number=message.sequence_number,
        direction=pb.Direction.ValueType(number_out(pb.Direction.DESCRIPTOR, message.direction)),
        author=pb.Author.ValueType(number_out(pb.Author.DESCRIPTOR, message.author)),
        type=message.type,
        text=message.text,
        status=pb.MessageStatus.ValueType(number_out(pb.MessageStatus.DESCRIPTOR, message.status)),
        reason=message.reason,
        platform_message_id=message.platform_message_id,
        error=None if message.error is None else _struct(message.error),
        create_time=time_out(message.created_at),
    )


def _struct(values: dict[str, Any]) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct
