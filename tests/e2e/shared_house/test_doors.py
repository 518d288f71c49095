"""The other doors of the house, and what comes out of none of them."""

import secrets

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.rig.house import SECONDS, a_customer, call
from tests.rig.waiting import until


@pytest.fixture
def channel(house):
    with grpc.insecure_channel(house.ready["grpc_target"]) as channel:
        yield channel


def test_reflection_lists_the_services_and_health_is_on(channel):
    listed = set(ProtoReflectionDescriptorDatabase(channel).get_services())

    assert {"frontdesk.v1.CreditService", "frontdesk.v1.ConversationService", "grpc.health.v1.Health"} <= listed
    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
    assert health.status == health_pb2.HealthCheckResponse.SERVING


def test_the_balance_is_the_same_through_both_doors(channel, tenant):
    """Called as a stranger would: with nothing but what reflection tells."""
    tenant.hears("Hello", a_customer())
    tenant.settled()
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName("frontdesk.v1.CreditService").FindMethodByName("GetBalance")
    ask = channel.unary_unary(
        "/frontdesk.v1.CreditService/GetBalance",
        request_serializer=lambda request: request.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )

    request = GetMessageClass(method.input_type)(user_id=tenant.id)
    answer = ask(request, metadata=[("authorization", f"Bearer {tenant.key}")], timeout=SECONDS)

    assert (answer.balance.balance, answer.balance.held, answer.balance.available) == (999, 0, 999)
    assert tenant.get("credits") == {"balance": 999, "held": 0, "available": 999}


def test_an_access_token_is_neither_answered_nor_logged(house):
    token = f"EAAG{secrets.token_hex(20)}"
    tenant = house.tenant()
    number = tenant.get("phone_numbers")["items"][0]
    sender = a_customer()
    path = f"{tenant.path}/phone_numbers/{number['id']}"
    answers = [house.rest("PATCH", path, {"access_token": token}, tenant.key)]
    assert answers[0].status == 200, answers[0].content
    house.meta.script(sender, error={"http_status": 401, "code": 190, "message": f"Bad token {token}"})
    tenant.hears("Hello", sender)
    until(lambda: tenant.number()["status"] == "unauthorized")
    answers.append(house.rest("GET", path))
    tenant.change_number(access_token=token)
    tenant.settled()

    lists = ("phone_numbers", "agents", "prompts", "conversations", "messages", "credits/entries", "api_keys")
    answers += [house.rest("GET", f"{tenant.path}/{name}", key=tenant.key) for name in lists]
    answers += [house.rest("GET", path), house.rest("GET", "/users"), house.rest("GET", "/health")]
    answers += [call(house.ready["rest_url"], "GET", "/openapi.json")]

    assert {answer.status for answer in answers} == {200}
    assert not [answer for answer in answers if token.encode() in answer.content]
    assert token not in house.log.read_text()


def test_a_users_key_sees_nothing_of_another_user(house, tenant):
    stranger = house.tenant()

    for name in ("messages", "credits", "phone_numbers", "conversations"):
        assert house.rest("GET", f"{tenant.path}/{name}", key=stranger.key).status == 404
