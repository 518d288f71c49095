"""Conversations, messages and what belongs to them, in the words of protobuf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

from domain.conversations import Conversation, Message
from domain.media import StoredMedium
from domain.traces import Trace
from entrypoints.rpc._generated.frontdesk.v1 import conversation_pb2 as pb
from entrypoints.rpc.fields import (
    id_out,
    number_out,
    numbers_of,
    optional_id_out,
    optional_time_out,
    struct_of,
    tell_time,
    time_out,
)

# Lists are full of these three: one look into a table each, where `number_out` first looks for the table.
DIRECTIONS = cast("Mapping[str, pb.Direction.ValueType]", numbers_of(pb.Direction.DESCRIPTOR))
AUTHORS = cast("Mapping[str, pb.Author.ValueType]", numbers_of(pb.Author.DESCRIPTOR))
STATUSES = cast("Mapping[str, pb.MessageStatus.ValueType]", numbers_of(pb.MessageStatus.DESCRIPTOR))


def conversation_out(conversation: Conversation) -> pb.Conversation:
    """A conversation as it is told."""
    customer = conversation.customer
    return pb.Conversation(
        id=id_out(conversation.id),
        phone_number_id=id_out(conversation.phone_number_id),
        agent_id=optional_id_out(conversation.agent_id),
        customer=pb.Customer(id=id_out(customer.id), address=customer.address, name=customer.name),
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
    told = pb.Message()
    tell_message(told, message)
    return told


def messages_out(messages: Iterable[Message], next_cursor: str | None) -> pb.ListMessagesResponse:
    """A page of messages, each told where it will stand: made apart, it would be copied there."""
    page = pb.ListMessagesResponse(next_page_token=next_cursor or "")
    for message in messages:
        tell_message(page.messages.add(), message)
    return page


def tell_message(told: pb.Message, message: Message) -> None:
    """Fill `told` in, field by field: that takes half of what naming them all to the constructor takes."""
    told.id = id_out(message.id)
    told.conversation_id = id_out(message.conversation_id)
    told.phone_number_id = id_out(message.phone_number_id)
    told.sequence_number = message.sequence_number
    told.direction = DIRECTIONS.get(message.direction, pb.DIRECTION_UNSPECIFIED)
    told.author = AUTHORS.get(message.author, pb.AUTHOR_UNSPECIFIED)
    told.type = message.type
    told.status = STATUSES.get(message.status, pb.MESSAGE_STATUS_UNSPECIFIED)
    tell_time(told.create_time, message.created_at)
    for status, at in message.status_times.items():
        tell_time(told.status_times[status], datetime.fromisoformat(at))
    for medium in message.media:
        told.media.append(medium_out(medium))
    _tell_what_is_there(told, message)


def _tell_what_is_there(told: pb.Message, message: Message) -> None:
    """The fields that a message may lack: in protobuf what is not there is not set."""
    if message.text is not None:
        told.text = message.text
    if message.reason is not None:
        told.reason = message.reason
    if message.platform_message_id is not None:
        told.platform_message_id = message.platform_message_id
    if message.prompt_id is not None:
        told.prompt_id = message.prompt_id
    if message.prompt_version is not None:
        told.prompt_version = message.prompt_version
    if message.model is not None:
        told.model = message.model
    if message.error is not None:
        told.error.CopyFrom(struct_of(message.error))
    if message.pricing is not None:
        told.pricing.CopyFrom(struct_of(message.pricing))
    if message.content is not None:
        told.content.CopyFrom(struct_of(message.content))


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
        message_id=id_out(message.id),
        direction=DIRECTIONS.get(message.direction, pb.DIRECTION_UNSPECIFIED),
        status=STATUSES.get(message.status, pb.MESSAGE_STATUS_UNSPECIFIED),
        reason=trace.reason,
        turn_id=optional_id_out(trace.turn_id),
        reply_ids=[id_out(id_) for id_ in trace.reply_ids],
        steps=[pb.TraceStep(stage=step.stage, time=time_out(step.at), detail=step.detail) for step in trace.steps],
    )
