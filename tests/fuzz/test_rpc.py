"""The running gRPC door against its descriptors: whatever comes, the answer is one that callers are told of.

A few hundred requests in every run of the suite; `make fuzz` asks for ten thousand and more.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from random import Random

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc_status import rpc_status

from entrypoints.rpc.server import FILES
from tests.fuzz.messages import MessageMaker
from tests.rig.house import House, a_customer, a_home, running_house

EXAMPLES = 3 * int(os.environ.get("FUZZ_EXAMPLES", "2"))
"""How many requests of each method."""
SEED = int(os.environ.get("FUZZ_SEED", "1"))
SECONDS_MAX = float(os.environ.get("FUZZ_SECONDS_MAX", "60"))
SHOP_LASTS = 60
"""So many requests are about one shop; then there is a new one, for it may have been erased meanwhile."""

METHODS = [method for file in FILES for service in file.services_by_name.values() for method in service.methods]
TOLD = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
STREAM_SECONDS = 0.3


@pytest.fixture(scope="module")
def house():
    with a_home() as home, running_house(home) as house:
        yield house


def things_of(house: House) -> dict[str, list[str]]:
    """The ids of a new shop's things, by the names that requests call them."""
    tenant = house.tenant(credits=3)
    tenant.hears("Hello", a_customer())
    tenant.settled()
    web_chat = tenant.make("phone_numbers", {"type": "webchat"})
    conversation = tenant.conversation()
    run = house.rest("POST", f"{tenant.path}/conversations/{conversation['id']}/extract", None, tenant.key).json
    return {
        "user_id": [tenant.id],
        "phone_number_id": [web_chat["id"], conversation["phone_number_id"]],
        "prompt_id": [prompt["id"] for prompt in tenant.get("prompts")["items"]],
        "agent_id": [conversation["agent_id"]],
        "conversation_id": [conversation["id"]],
        "message_id": [message["id"] for message in tenant.messages()],
        "customer_id": [conversation["customer"]["id"]],
        "extraction_id": [run["id"]],
        "customer": [conversation["customer"]["id"], conversation["customer"]["address"]],
        "order_by": ["", "create_time", "create_time desc"],
        "page_token": [""],
    }


def answered(channel: grpc.Channel, method, data: bytes, key: str) -> grpc.StatusCode:
    """What a request came to; a refusal of ours says what it is called, and which field it is about."""
    kind = channel.unary_stream if method.server_streaming else channel.unary_unary
    ask = kind(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda data: data,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    metadata = (("authorization", f"Bearer {key}"),)
    try:
        if method.server_streaming:
            return watched(ask(data, metadata=metadata, timeout=STREAM_SECONDS))
        ask(data, metadata=metadata, timeout=20)
    except grpc.RpcError as refused:
        error = refused
    else:
        return grpc.StatusCode.OK
    told = rpc_status.from_call(error)
    kinds = {detail.type_url.rpartition("/")[2] for detail in told.details} if told else set()
    assert "google.rpc.ErrorInfo" in kinds or error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, error
    assert "google.rpc.BadRequest" in kinds or error.code() is not grpc.StatusCode.INVALID_ARGUMENT, error
    return error.code()


def watched(call) -> grpc.StatusCode:
    """A stream that has not ended by itself is as it should be."""
    try:
        for _ in call:
            pass
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return grpc.StatusCode.OK
        raise
    return grpc.StatusCode.OK


@pytest.mark.timeout(SECONDS_MAX + 120)
def test_whatever_comes_the_answer_is_one_that_callers_are_told_of(house):
    random = Random(SEED)  # noqa: S311 - nothing is to be kept secret
    wanted = [method for method in METHODS for _ in range(EXAMPLES)]
    random.shuffle(wanted)
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with grpc.insecure_channel(house.ready["grpc_target"]) as channel:
        for place, method in enumerate(wanted):
            if place % SHOP_LASTS == 0:
                maker = MessageMaker(random, things_of(house))
            data = maker.request(method)
            code = answered(channel, method, data, house.ready["admin_api_key"])
            outcomes[method.name][code.name] += 1
            assert code in TOLD, (method.full_name, code, data)
    assert all(process.is_running() for process in house.processes())
    assert len(wanted) >= len(METHODS)
    passed = sum(counts["OK"] for counts in outcomes.values())
    assert passed > len(wanted) / 20, outcomes  # else nothing was tried but the first check of each
