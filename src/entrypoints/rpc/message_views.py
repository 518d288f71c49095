"""Conversations, messages and what belongs to them, in the words of protobuf."""

from __future__ import annotations

from datetime import datetime

from domain.conversations import Conversation, Message
from domain.media import StoredMedium
from domain.traces import Trace
from entrypoints.rpc._generated.frontdesk.v1 import conversation_pb2 as pb
from entrypoints.rpc.fields import number_out, optional_id_out, optional_time_out, struct_out, time_out


def conversation_out(conversation: Conversation) -> pb.Conversation:
    """A conversation as it is told."""
    customer = conversation.customer
    return pb.Conversation(
        id=str(conversation.id),
        phone_number_id=str(conversation.phone_number_id),
        agent_id=optional_id_out(conversation.agent_id),
        customer=pb.Customer(id=str(customer.id), address=customer.address, name=customer.name),
        status=pb.ConversationStatus.ValueType(number_out(pb.ConversationStatus.DESCRIPTOR, conversation.status)),
        openai_conversation_id=conversation.openai_conversation_id,
        message_count=conversation.message_count,
        last_activity_time=time_out(conversation.last_activity_at),
        create_time=time_out(conversation.created_at),
        paused_reason=conversation.paused_reason,
        pause_expire_time=optional_time_out(conversation.paused_until),
    )


def message_out(message: Message) -> pb.Message:
    """A message as it is told."""
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
        error=struct_out(message.error),
        create_time=time_out(message.created_at),
        status_times={name: time_out(datetime.fromisoformat(at)) for name, at in message.status_times.items()},
        pricing=struct_out(message.pricing),
        content=struct_out(message.content),
        media=[medium_out(medium) for medium in message.media],
        prompt_id=message.prompt_id,
        prompt_version=message.prompt_version,
        model=message.model,
    )


def medium_out(medium: StoredMedium) -> pb.Medium:
    """A file as it is told of."""
    return pb.Medium(
        place=medium.place,
        kind=pb.MediumKind.ValueType(number_out(pb.MediumKind.DESCRIPTOR, medium.kind)),
        mime_type=medium.mime_type,
        filename=medium.filename,
        bytes=medium.bytes,
        status=pb.MediumStatus.ValueType(number_out(pb.MediumStatus.DESCRIPTOR, medium.status)),
        reason=medium.reason,
    )


def trace_out(trace: Trace) -> pb.Trace:
    """The way of a message as it is told."""
    message = trace.message
    return pb.Trace(
        message_id=str(message.id),
        direction=pb.Direction.ValueType(number_out(pb.Direction.DESCRIPTOR, message.direction)),
        status=pb.MessageStatus.ValueType(number_out(pb.MessageStatus.DESCRIPTOR, message.status)),
        reason=trace.reason,
        turn_id=optional_id_out(trace.turn_id),
        reply_ids=[str(id_) for id_ in trace.reply_ids],
        steps=[pb.TraceStep(stage=step.stage, time=time_out(step.at), detail=step.detail) for step in trace.steps],
    )
