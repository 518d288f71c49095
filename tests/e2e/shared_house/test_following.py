"""Somebody follows a conversation by gRPC while a customer writes: from process to process, over Redis."""

import grpc

from entrypoints.rpc._generated.frontdesk.v1 import conversation_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.conversation_pb2_grpc import ConversationServiceStub
from tests.rig.house import SECONDS, a_customer


def told(watching, wanted):
    """The newest status of each message, as soon as these are told."""
    statuses = {}
    for answer in watching:
        statuses[answer.message.sequence_number] = answer.message.status
        if statuses == wanted:
            return
    raise AssertionError(statuses)


def test_whoever_follows_sees_question_answer_and_receipt_as_they_come(house, tenant):
    customer = a_customer()
    tenant.hears("Hello", customer)
    tenant.settled(customer)
    conversation = tenant.conversation(customer)
    request = pb.WatchMessagesRequest(user_id=tenant.id, conversation_id=conversation["id"], after_sequence_number=2)
    metadata = (("authorization", f"Bearer {tenant.key}"),)
    with grpc.insecure_channel(house.ready["grpc_target"]) as channel:
        watching = ConversationServiceStub(channel).WatchMessages(request, metadata=metadata, timeout=SECONDS)
        watching.initial_metadata()
        tenant.hears("Are you open?", customer)
        told(
            watching,
            {
                1: pb.MESSAGE_STATUS_ANSWERED,
                2: pb.MESSAGE_STATUS_READ,
                3: pb.MESSAGE_STATUS_ANSWERED,
                4: pb.MESSAGE_STATUS_READ,
            },
        )
        watching.cancel()
