"""Customers and what is on record of them, in the words of protobuf."""

from __future__ import annotations

from domain.conversations import Conversation, Message
from domain.customers import Consent, KnownCustomer, PastTurn
from domain.leads.merging import Lead
from domain.leads.runs import Extraction
from entrypoints.rpc._generated.frontdesk.v1 import conversation_pb2 as pb
from entrypoints.rpc.fields import id_out, number_out, optional_time_out, struct_out, time_out
from entrypoints.rpc.lead_views import extraction_out, lead_out
from entrypoints.rpc.message_views import conversation_out, message_out


def customer_out(customer: KnownCustomer) -> pb.KnownCustomer:
    """A customer as they are told of."""
    return pb.KnownCustomer(
        id=id_out(customer.id),
        user_id=id_out(customer.user_id),
        type=pb.CustomerType.ValueType(number_out(pb.CustomerType.DESCRIPTOR, customer.type)),
        address=customer.address,
        name=customer.name,
        username=customer.username,
        aliases=customer.aliases,
        create_time=time_out(customer.created_at),
    )


def exported_out(item: object) -> pb.ExportCustomerResponse:
    """One thing that is on record of a customer."""
    match item:
        case Consent():
            return pb.ExportCustomerResponse(consent=_consent(item))
        case Conversation():
            return pb.ExportCustomerResponse(conversation=conversation_out(item))
        case Message():
            return pb.ExportCustomerResponse(message=message_out(item))
        case PastTurn():
            return pb.ExportCustomerResponse(turn=_turn(item))
        case Extraction():
            return pb.ExportCustomerResponse(extraction=extraction_out(item))
        case Lead():
            return pb.ExportCustomerResponse(lead=lead_out(item))
        case _:
            raise TypeError(f"Nothing of this kind is exported: {type(item).__name__}")


def _consent(consent: Consent) -> pb.Consent:
    return pb.Consent(
        id=id_out(consent.id),
        phone_number_id=id_out(consent.phone_number_id),
        kind=consent.kind,
        message_id=id_out(consent.message_id),
        create_time=time_out(consent.created_at),
    )


def _turn(turn: PastTurn) -> pb.PastTurn:
    return pb.PastTurn(
        id=id_out(turn.id),
        conversation_id=id_out(turn.conversation_id),
        status=turn.status,
        reason=turn.reason,
        error=struct_out(turn.error),
        attempts=turn.attempts,
        prompt_id=turn.prompt_id,
        prompt_version=turn.prompt_version,
        model=turn.model,
        response_id=turn.response_id,
        input_tokens=turn.input_tokens,
        output_tokens=turn.output_tokens,
        create_time=time_out(turn.created_at),
        end_time=optional_time_out(turn.ended_at),
    )
