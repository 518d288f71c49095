"""Extractions and leads by gRPC: the exports, and what a customer is handed out."""

from __future__ import annotations

import pytest

from entrypoints.rpc._generated.frontdesk.v1 import conversation_pb2
from entrypoints.rpc._generated.frontdesk.v1 import extraction_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.conversation_pb2_grpc import ConversationServiceStub
from entrypoints.rpc._generated.frontdesk.v1.extraction_pb2_grpc import ExtractionServiceStub


@pytest.fixture
def extractions(channel) -> ExtractionServiceStub:
    return ExtractionServiceStub(channel)


def key_of(shop):
    return (("authorization", f"Bearer {shop.key}"),)


async def test_a_value_is_told_with_its_type_and_its_proof(extractions, shop, house):
    conversation = next(iter(house.store.conversations.values()))
    await house.reads(conversation, {"guests": 12, "extras": ["cake", "candles"], "vegan": True})
    request = pb.GetLeadRequest(user_id=shop.user_id, customer_id=shop.customer_id)
    lead = (await extractions.GetLead(request, metadata=key_of(shop))).lead
    [guests] = lead.fields["guests"].values
    assert (guests.value.number_value, guests.evidence, guests.conversation_id) == (12, [1], str(conversation.id))
    assert list(lead.data["extras"]) == ["cake", "candles"]
    assert lead.data["vegan"] is True
    assert lead.data["name"] == "Ada"


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
async def test_the_exports_are_what_the_lists_have(extractions, shop, house, status):
    conversation = next(iter(house.store.conversations.values()))
    for _ in range(3):
        await house.reads(conversation, {"name": "Bea"})
    about = {"user_id": shop.user_id, "status": pb.ExtractionStatus.Value(f"EXTRACTION_STATUS_{status}")}
    ask = {"metadata": key_of(shop)}
    runs = (await extractions.ListExtractions(pb.ListExtractionsRequest(**about), **ask)).extractions
    leads = (await extractions.ListLeads(pb.ListLeadsRequest(**about), **ask)).leads
    exported = extractions.ExportExtractions(pb.ExportExtractionsRequest(**about), **ask)
    assert [told.extraction async for told in exported] == list(runs)
    exported = extractions.ExportLeads(pb.ExportLeadsRequest(**about), **ask)
    assert [told.lead async for told in exported] == list(leads)
    assert (len(runs), len(leads)) == ((4, 1) if status == "COMPLETED" else (0, 0))


async def test_the_same_key_has_a_conversation_read_once(extractions, shop, house):
    one = {"user_id": shop.user_id, "conversation_id": shop.conversation_id, "idempotency_key": "once"}
    request = pb.ExtractConversationRequest(**one)
    first = await extractions.ExtractConversation(request, metadata=key_of(shop))
    assert await extractions.ExtractConversation(request, metadata=key_of(shop)) == first
    assert (first.extraction.status, first.extraction.origin, first.extraction.HasField("data")) == (
        pb.EXTRACTION_STATUS_PENDING,
        pb.EXTRACTION_ORIGIN_REQUEST,
        False,
    )
    page = pb.ListExtractionsRequest(user_id=shop.user_id, status=pb.EXTRACTION_STATUS_PENDING)
    assert len((await extractions.ListExtractions(page, metadata=key_of(shop))).extractions) == 1
    assert house.extraction_queue.woken >= 1


async def test_what_is_handed_out_of_a_customer_has_their_extractions_and_their_lead(channel, shop):
    request = conversation_pb2.ExportCustomerRequest(user_id=shop.user_id, customer_id=shop.customer_id)
    export = ConversationServiceStub(channel).ExportCustomer(request, metadata=key_of(shop))
    told = [item async for item in export]
    assert [item.extraction.id for item in told if item.HasField("extraction")] == [shop.extraction_id]
    assert [item.lead.data["name"] for item in told if item.HasField("lead")] == ["Ada"]
