"""Extractions and leads, in the words of protobuf."""

from __future__ import annotations

from domain.leads.merging import Lead, LeadValue
from domain.leads.runs import Extraction
from entrypoints.rpc._generated.frontdesk.v1 import extraction_pb2 as pb
from entrypoints.rpc.fields import (
    id_out,
    number_out,
    optional_id_out,
    optional_time_out,
    struct_out,
    time_out,
    value_out,
)


def extraction_out(run: Extraction) -> pb.Extraction:
    """An extraction as it is told."""
    return pb.Extraction(
        id=id_out(run.id),
        conversation_id=id_out(run.conversation_id),
        agent_id=optional_id_out(run.agent_id),
        origin=pb.ExtractionOrigin.ValueType(number_out(pb.ExtractionOrigin.DESCRIPTOR, run.origin)),
        status=pb.ExtractionStatus.ValueType(number_out(pb.ExtractionStatus.DESCRIPTOR, run.status)),
        data=struct_out(run.data),
        evidence={name: pb.Evidence(sequence_numbers=numbers) for name, numbers in (run.evidence or {}).items()},
        dropped=run.dropped,
        errors=[pb.ExtractionError(**error) for error in run.errors],
        attempt=run.attempt,
        through_sequence_number=run.through_sequence_number,
        form_digest=run.form_digest,
        prompt_version=run.prompt_version,
        model=run.model,
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        create_time=time_out(run.created_at),
        end_time=optional_time_out(run.ended_at),
    )


def lead_out(lead: Lead) -> pb.Lead:
    """A lead as it is told."""
    customer = lead.customer
    return pb.Lead(
        id=id_out(lead.id),
        customer=pb.LeadCustomer(id=id_out(customer.id), address=customer.address, name=customer.name),
        data=struct_out(lead.data),
        fields={name: pb.LeadValues(values=map(_value, values)) for name, values in lead.fields.items()},
        create_time=time_out(lead.created_at),
        update_time=time_out(lead.updated_at),
    )


def _value(value: LeadValue) -> pb.LeadValue:
    return pb.LeadValue(
        value=value_out(value.value),
        evidence=value.evidence,
        conversation_id=id_out(value.conversation_id),
        extraction_id=id_out(value.extraction_id),
        prove_time=time_out(value.proven_at),
    )
