"""REST and gRPC: whatever one can do the other can, for the same keys, with the same answers and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from httpx import ASGITransport, AsyncClient

from application.app import Application
from domain.users import Caller, Scope
from tests.doors.conftest import a_shop, bearer, made, served_by_rpc
from tests.doors.pairs import HOUSE, METHODS, NOT_FOR_SERVICES, PAIRS, READ, WRITE, Pair, filled, from_rest, from_rpc
from tests.doors.stubs import ADMIN_KEY, House

STREAMED = {name for name, method in METHODS.items() if method.server_streaming}
ONE_ANSWER = [pair for pair in PAIRS if pair.method not in STREAMED]
SAME_CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    402: grpc.StatusCode.FAILED_PRECONDITION,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}


@pytest.fixture(scope="module")
def document(rest_app) -> dict[str, Any]:
    """What the REST door says of itself."""

    async def told() -> dict[str, Any]:
        async with AsyncClient(transport=ASGITransport(rest_app), base_url="http://testserver.local") as client:
            return (await client.get("/openapi.json")).json()

    return asyncio.run(told())


def test_every_operation_has_its_method_and_every_method_its_operation(document) -> None:
    described = {f"{verb.upper()} {path}" for path, operations in document["paths"].items() for verb in operations}
    assert sorted(described - NOT_FOR_SERVICES) == sorted(pair.operation for pair in PAIRS)
    assert sorted(METHODS) == sorted(pair.method for pair in PAIRS)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.method)
def test_what_takes_a_key_against_doing_it_twice_takes_it_on_both_sides(document, pair) -> None:
    verb, path = pair.operation.split()
    parameters = document["paths"][path][verb.lower()].get("parameters", [])
    by_rest = any(parameter["name"] == "Idempotency-Key" for parameter in parameters)
    assert ("idempotency_key" in pair.descriptor.input_type.fields_by_name) == by_rest


# --- the same cases, driven through both


@dataclass
class Doors:
    """Two houses that are alike, one behind each door, so that each does the same to its own."""

    rest: AsyncClient
    channel: grpc.aio.Channel
    things: Mapping[str, Any]

    async def by_rest(self, pair: Pair, key: str, **changes: Any) -> tuple[int, Any]:
        verb, path = pair.operation.split()
        things = {**things_of(pair, self.things), **changes}
        body = None if pair.body is None else filled(pair.body, things) | changes.get("body", {})
        answer = await self.rest.request(
            verb, path.format_map(things), params=pair.query, json=body, headers=bearer(key) if key else {}
        )
        return answer.status_code, answer.json() if answer.content else {}

    async def by_rpc(self, pair: Pair, key: str, **changes: Any) -> tuple[grpc.StatusCode, Any]:
        """The code, and the answer or what is told of the refusal: the code in words, and the field."""
        request = pair.request({**things_of(pair, self.things), **changes}, **changes.get("body", {}))
        try:
            answer = await asked(self.channel, pair, request, key)
        except grpc.aio.AioRpcError as error:
            return error.code(), refusal_of(error)
        return grpc.StatusCode.OK, from_rpc(answer)


async def asked(channel: grpc.aio.Channel, pair: Pair, request: Any, key: str):
    """The answer, or the first of a stream."""
    method = pair.descriptor
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = channel.unary_stream if method.server_streaming else channel.unary_unary
    call = kind(
        path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )(request, metadata=(("authorization", f"Bearer {key}"),) if key else ())
    if not method.server_streaming:
        return await call
    first = await call.read()
    if first is grpc.aio.EOF:
        raise AssertionError(await call.code())
    call.cancel()
    return first


def refusal_of(error: grpc.aio.AioRpcError) -> tuple[str | None, str | None]:
    code, field = None, None
    status = rpc_status.from_call(error)
    for packed in status.details if status else ():
        info, wrong = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if packed.Unpack(info):
            code = info.metadata["code"]
        if packed.Unpack(wrong):
            field = wrong.field_violations[0].field
    return code, field


def things_of(pair: Pair, things: Mapping[str, Any]) -> dict[str, Any]:
    return {**things, "phone_number_id": things["web_chat_id"]} if "webchat" in pair.operation else {**things}


async def furnished(rest: AsyncClient, house: House, account: str = "100") -> dict[str, Any]:
    """A shop with something of everything that can be asked for."""
    shop = await a_shop(rest, house, account)
    conversation = house.store.conversations[UUID(shop.conversation_id)]
    house.store.conversations[conversation.id] = replace(conversation, agent_id=UUID(shop.agent_id))
    base = f"/users/{shop.user_id}"
    web_chat = await made(rest, f"{base}/phone_numbers", {"type": "webchat"})
    key = await made(rest, f"{base}/api_keys", {"name": "spare"})
    [customer] = (await rest.get(f"{base}/customers", headers=bearer(ADMIN_KEY))).json()["items"]
    more = {
        "place": 0,
        "version": 1,
        "customer_id": customer["id"],
        "web_chat_id": web_chat["id"],
        "api_key_id": key["id"],
        "unique": f"ig-{account}",
    }
    return vars(shop) | more


def open_to(current_application: Application, house: House) -> None:
    for each in fields(Application):
        object.__setattr__(current_application, each.name, getattr(house.application, each.name))


@pytest.fixture
async def doors(rest, house, current_application) -> AsyncIterator[Doors]:
    other = House()
    open_to(current_application, other)
    things = await furnished(rest, other)
    open_to(current_application, house)
    assert things == await furnished(rest, house)
    async with served_by_rpc(other) as channel:
        yield Doors(rest, channel, things)


@pytest.mark.parametrize("pair", ONE_ANSWER, ids=lambda pair: pair.method)
async def test_both_give_the_same_answer_field_by_field(doors, pair) -> None:
    status, by_rest = await doors.by_rest(pair, ADMIN_KEY)
    code, by_rpc = await doors.by_rpc(pair, ADMIN_KEY)
    assert (status < 300, code) == (True, grpc.StatusCode.OK), (by_rest, by_rpc)
    assert by_rpc == from_rest(by_rest)


NOWHERE = "00000000-0000-4000-8000-000000000404"
REFUSED = [
    *(
        (pair, {name: NOWHERE})
        for pair in ONE_ANSWER
        for name in (
            "user_id",
            "phone_number_id",
            "agent_id",
            "conversation_id",
            "message_id",
            "api_key_id",
            "customer_id",
            "extraction_id",
        )
        if f"{{{name}}}" in pair.operation
    ),
    *((pair, {"prompt_id": "prm_unknown"}) for pair in PAIRS if "{prompt_id}" in pair.operation),
    *(
        (pair, {"body": body})
        for pair in PAIRS
        for method, body in {
            ("UserService.CreateUser", ("name", "")),
            ("UserService.UpdateUser", ("name", "x" * 201)),
            ("UserService.CreateApiKey", ("name", "a\0b")),
            ("PhoneNumberService.CreatePhoneNumber", ("instagram_account_id", "x" * 101)),
            ("PhoneNumberService.CreatePhoneNumber", ("access_token", "é")),
            ("PhoneNumberService.UpdatePhoneNumber", ("allowed_origins", ("nonsense",))),
            ("PromptService.CreatePrompt", ("model", " ")),
            ("PromptService.CreatePrompt", ("temperature", 3.0)),
            ("PromptService.CreatePromptVersion", ("max_output_tokens", 2_000_000)),
            ("PromptService.CreatePromptVersion", ("instructions", "x" * 100_001)),
            ("AgentService.CreateAgent", ("prompt_id", "nonsense")),
            ("AgentService.UpdateAgent", ("name", " ")),
            ("ConversationService.PauseConversation", ("minutes", -1.0)),
            ("CreditService.AddCredits", ("amount", 0)),
            ("CreditService.AddCredits", ("amount", -5)),
            ("CreditService.AddCredits", ("amount", 2**62)),
            ("CreditService.AddCredits", ("note", "a\0b")),
        }
        if method == pair.method
    ),
]


@pytest.mark.parametrize(("pair", "changes"), REFUSED, ids=lambda value: str(getattr(value, "method", value))[:60])
async def test_both_refuse_the_same_by_the_same_code_and_field(doors, pair, changes) -> None:
    if isinstance(changes.get("body"), tuple):
        name, value = changes["body"]
        changes = {"body": {name: list(value) if isinstance(value, tuple) else value}}
    status, problem = await doors.by_rest(pair, ADMIN_KEY, **changes)
    code, (word, field) = await doors.by_rpc(pair, ADMIN_KEY, **changes)
    assert (code, word) == (SAME_CODES[status], problem["code"])
    pointers = [fault["pointer"].removeprefix("/").replace("/", ".") for fault in problem.get("errors", [])]
    assert pointers == ([] if field is None else [field])


# --- every operation with every kind of key: only the right ones pass


class WithLesserKeys:
    """Knows more keys of users, which may not do everything."""

    def __init__(self, authenticate) -> None:
        self._authenticate = authenticate
        self.callers: dict[str, Caller] = {}

    async def __call__(self, spelled: str) -> Caller:
        return self.callers.get(spelled) or await self._authenticate(spelled)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.method)
async def test_only_the_right_keys_pass(rest, house, current_application, pair) -> None:
    authenticate = WithLesserKeys(house.application.authenticate)
    object.__setattr__(house.application.admit_call, "authenticate", authenticate)
    open_to(current_application, house)
    refused, unknown = grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED
    passes, nothing = grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND
    is_house = pair.scope == HOUSE
    expected = {
        "no key": unknown,
        "wrong key": unknown,
        "another's key": refused if is_house else nothing,
        "read-only key": passes if pair.scope == READ else refused,
        "writing key": passes if pair.scope in {READ, WRITE} else refused,
        "own key": refused if is_house else passes,
        "admin key": passes,
    }
    came_to = {}
    stranger = await furnished(rest, house, "stranger")
    async with served_by_rpc(house) as channel:
        for name in expected:
            things = await furnished(rest, house, name)
            user_id = UUID(things["user_id"])
            authenticate.callers["reader"] = Caller(user_id, frozenset({Scope.READ}))
            authenticate.callers["writer"] = Caller(user_id, frozenset({Scope.READ, Scope.WRITE}))
            keys = {
                "no key": "",
                "wrong key": "fd_wrong",
                "another's key": stranger["key"],
                "read-only key": "reader",
                "writing key": "writer",
                "own key": things["key"],
                "admin key": ADMIN_KEY,
            }
            doors = Doors(rest, channel, things)
            code, _ = await doors.by_rpc(pair, keys[name])
            came_to[name] = code
            if code is not passes and pair.method not in STREAMED:
                status, _ = await doors.by_rest(pair, keys[name])
                assert SAME_CODES[status] is code, name
    assert came_to == expected
