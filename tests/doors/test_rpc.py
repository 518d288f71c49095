"""The gRPC door on a real socket: the same use cases, callers and errors as by REST."""

from __future__ import annotations

import asyncio
from uuid import UUID

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from structlog.testing import capture_logs

from domain.credits import Account, InsufficientCredits
from domain.delivery import NotFailed, TurnUnderWay
from domain.monitoring import AlertKind
from domain.shared import Unavailable
from entrypoints.rpc._generated.frontdesk.v1 import agent_pb2, alert_pb2, conversation_pb2, credit_pb2, phone_number_pb2
from entrypoints.rpc._generated.frontdesk.v1.agent_pb2_grpc import AgentServiceStub
from entrypoints.rpc._generated.frontdesk.v1.alert_pb2_grpc import AlertServiceStub
from entrypoints.rpc._generated.frontdesk.v1.conversation_pb2_grpc import ConversationServiceStub
from entrypoints.rpc._generated.frontdesk.v1.credit_pb2_grpc import CreditServiceStub
from entrypoints.rpc._generated.frontdesk.v1.phone_number_pb2_grpc import PhoneNumberServiceStub
from entrypoints.rpc.interceptors import CallInterceptor
from entrypoints.rpc.main import serve_rpc
from entrypoints.rpc.server import SERVICES
from entrypoints.serving import CannotListen
from tests.doors.conftest import Shop, served, served_by_rpc
from tests.doors.stubs import ADMIN_KEY

ADMIN = (("authorization", f"Bearer {ADMIN_KEY}"),)


@pytest.fixture
def credits_(channel) -> CreditServiceStub:
    return CreditServiceStub(channel)


@pytest.fixture
def conversations(channel) -> ConversationServiceStub:
    return ConversationServiceStub(channel)


def details_of(error: grpc.aio.AioRpcError) -> dict[str, object]:
    found = {}
    for packed in rpc_status.from_call(error).details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
            if packed.Is(kind.DESCRIPTOR):
                found[kind.__name__] = kind.FromString(packed.value)
    return found


async def refused(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def key_of(shop: Shop):
    return (("authorization", f"bearer {shop.key}"),)


def calls(credits_, conversations, shop: Shop):
    """Each method with its request."""
    user_id = shop.user_id
    one = {"user_id": user_id, "conversation_id": shop.conversation_id}
    message = {"user_id": user_id, "message_id": shop.message_id}
    return [
        (credits_.GetBalance, credit_pb2.GetBalanceRequest(user_id=user_id)),
        (credits_.AddCredits, credit_pb2.AddCreditsRequest(user_id=user_id, amount=1)),
        (credits_.ListEntries, credit_pb2.ListEntriesRequest(user_id=user_id)),
        (conversations.GetConversation, conversation_pb2.GetConversationRequest(**one)),
        (conversations.ListConversations, conversation_pb2.ListConversationsRequest(user_id=user_id)),
        (conversations.ArchiveConversation, conversation_pb2.ArchiveConversationRequest(**one)),
        (conversations.ListMessages, conversation_pb2.ListMessagesRequest(user_id=user_id)),
        (conversations.RetryMessage, conversation_pb2.RetryMessageRequest(**message)),
    ]


async def test_every_method_is_open_to_the_admin_and_to_the_owner(credits_, conversations, shop):
    for method, request in calls(credits_, conversations, shop):
        await method(request, metadata=ADMIN)
        await method(request, metadata=key_of(shop))


async def test_no_method_is_open_without_a_known_key(credits_, conversations, shop):
    for metadata in ((), (("authorization", "Bearer wrong"),), (("authorization", "Basic abc"),)):
        for method, request in calls(credits_, conversations, shop):
            error = await refused(method(request, metadata=metadata))
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED
            assert details_of(error)["ErrorInfo"].metadata["code"] == "unauthorized"


async def test_another_users_things_do_not_exist(credits_, conversations, shop, stranger):
    for method, request in calls(credits_, conversations, stranger):
        error = await refused(method(request, metadata=key_of(shop)))
        assert error.code() is grpc.StatusCode.NOT_FOUND
    request = conversation_pb2.GetConversationRequest(user_id=shop.user_id, conversation_id=stranger.conversation_id)
    error = await refused(conversations.GetConversation(request, metadata=key_of(shop)))
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "There is no such conversation.")


async def test_credits_are_added_once_for_each_key(credits_, shop):
    request = credit_pb2.AddCreditsRequest(user_id=shop.user_id, amount=5, note="May", idempotency_key="k")
    first = await credits_.AddCredits(request, metadata=ADMIN)
    assert await credits_.AddCredits(request, metadata=ADMIN) == first
    assert (first.entry.kind, first.entry.note, first.entry.HasField("turn_id")) == (
        credit_pb2.ENTRY_KIND_ADD,
        "May",
        False,
    )
    balance = (await credits_.GetBalance(credit_pb2.GetBalanceRequest(user_id=shop.user_id), metadata=ADMIN)).balance
    assert (balance.balance, balance.held, balance.available) == (5, 0, 5)
    request.amount = 6
    error = await refused(credits_.AddCredits(request, metadata=ADMIN))
    assert (error.code(), details_of(error)["ErrorInfo"].reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "IDEMPOTENCY_KEY_REUSED",
    )


async def test_a_ledger_is_read_page_by_page(credits_, shop):
    for amount in (1, 2, 3):
        await credits_.AddCredits(credit_pb2.AddCreditsRequest(user_id=shop.user_id, amount=amount), metadata=ADMIN)
    amounts, token = [], ""
    while True:
        request = credit_pb2.ListEntriesRequest(
            user_id=shop.user_id, page_size=2, page_token=token, order_by="create_time desc"
        )
        page = await credits_.ListEntries(request, metadata=ADMIN)
        amounts += [entry.amount for entry in page.entries]
        token = page.next_page_token
        if not token:
            break
    assert amounts == [3, 2, 1]


async def test_a_failed_message_is_sent_again_once_for_each_key(conversations, shop, house):
    request = conversation_pb2.RetryMessageRequest(
        user_id=shop.user_id, message_id=shop.message_id, idempotency_key="k"
    )
    message = (await conversations.RetryMessage(request, metadata=key_of(shop))).message
    assert (message.id, message.status) == (shop.message_id, conversation_pb2.MESSAGE_STATUS_PENDING)
    assert (await conversations.RetryMessage(request, metadata=key_of(shop))).message == message
    assert house.retries.retried == 1
    request.ClearField("idempotency_key")
    await conversations.RetryMessage(request, metadata=key_of(shop))
    assert house.retries.retried == 2


@pytest.mark.parametrize(
    ("wrong", "code", "reason"),
    [
        (InsufficientCredits(Account(2, 2)), grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_CREDITS"),
        (NotFailed("sent"), grpc.StatusCode.FAILED_PRECONDITION, "MESSAGE_NOT_FAILED"),
        (TurnUnderWay("busy"), grpc.StatusCode.FAILED_PRECONDITION, "TURN_UNDER_WAY"),
    ],
)
async def test_a_retry_that_is_refused_says_why(conversations, shop, house, wrong, code, reason):
    house.retries.wrong = wrong
    request = conversation_pb2.RetryMessageRequest(user_id=shop.user_id, message_id=shop.message_id)
    error = await refused(conversations.RetryMessage(request, metadata=key_of(shop)))
    assert (error.code(), details_of(error)["ErrorInfo"].reason) == (code, reason)


async def test_a_conversation_and_its_messages_are_told_in_full(conversations, shop, house):
    request = conversation_pb2.GetConversationRequest(user_id=shop.user_id, conversation_id=shop.conversation_id)
    told = (await conversations.GetConversation(request, metadata=ADMIN)).conversation
    assert (told.customer.address, told.customer.name, told.message_count) == ("491701234567", "Ada", 2)
    assert (told.status, told.HasField("agent_id")) == (conversation_pb2.CONVERSATION_STATUS_ACTIVE, False)
    listed = await conversations.ListMessages(
        conversation_pb2.ListMessagesRequest(user_id=shop.user_id, direction=conversation_pb2.DIRECTION_OUTBOUND),
        metadata=ADMIN,
    )
    [message] = listed.messages
    assert (message.author, message.status) == (conversation_pb2.AUTHOR_AGENT, conversation_pb2.MESSAGE_STATUS_FAILED)
    assert dict(message.error) == {"code": 131026}
    assert message.create_time.ToDatetime().isoformat() == house.clock.now().replace(tzinfo=None).isoformat()


async def test_conversations_are_filtered_and_archived(conversations, shop):
    request = conversation_pb2.ArchiveConversationRequest(user_id=shop.user_id, conversation_id=shop.conversation_id)
    archived = (await conversations.ArchiveConversation(request, metadata=ADMIN)).conversation
    assert archived.status == conversation_pb2.CONVERSATION_STATUS_ARCHIVED
    for status, found in [("ACTIVE", 0), ("ARCHIVED", 1), ("UNSPECIFIED", 1)]:
        request = conversation_pb2.ListConversationsRequest(
            user_id=shop.user_id, status=f"CONVERSATION_STATUS_{status}", customer="491701234567"
        )
        assert len((await conversations.ListConversations(request, metadata=ADMIN)).conversations) == found


TOO_LATE = Timestamp(seconds=10**12)
BAD_REQUESTS = [
    (credit_pb2.GetBalanceRequest(user_id="nonsense"), "user_id"),
    (credit_pb2.GetBalanceRequest(), "user_id"),
    (credit_pb2.AddCreditsRequest(amount=0), "amount"),
    (credit_pb2.AddCreditsRequest(amount=-1), "amount"),
    (credit_pb2.AddCreditsRequest(amount=2**62), "amount"),
    (credit_pb2.AddCreditsRequest(amount=1, note="a\0"), "note"),
    (credit_pb2.AddCreditsRequest(amount=1, idempotency_key="a\0"), "idempotency_key"),
    (credit_pb2.AddCreditsRequest(amount=1, idempotency_key=""), "idempotency_key"),
    (credit_pb2.ListEntriesRequest(page_size=-1), "page_size"),
    (credit_pb2.ListEntriesRequest(page_token="nonsense"), "page_token"),
    (credit_pb2.ListEntriesRequest(page_token="a\0"), "page_token"),
    (credit_pb2.ListEntriesRequest(order_by="amount"), "order_by"),
    (conversation_pb2.GetConversationRequest(conversation_id="x"), "conversation_id"),
    (conversation_pb2.ArchiveConversationRequest(), "conversation_id"),
    (conversation_pb2.ListConversationsRequest(status=99), "status"),
    (conversation_pb2.ListConversationsRequest(agent_id="x"), "agent_id"),
    (conversation_pb2.ListConversationsRequest(customer="a\0"), "customer"),
    (conversation_pb2.ListConversationsRequest(active_since=TOO_LATE), "active_since"),
    (conversation_pb2.ListMessagesRequest(direction=7), "direction"),
    (conversation_pb2.ListMessagesRequest(until=TOO_LATE), "until"),
]


@pytest.mark.parametrize(("request_", "field"), BAD_REQUESTS, ids=lambda value: str(value)[:60])
async def test_a_wrong_value_is_refused_by_the_name_of_its_field(channel, shop, request_, field):
    wrong = type(request_)()
    wrong.CopyFrom(request_)
    if field != "user_id":
        wrong.user_id = shop.user_id
    kind = type(wrong).DESCRIPTOR
    stub = CreditServiceStub(channel) if kind.file is credit_pb2.DESCRIPTOR else ConversationServiceStub(channel)
    error = await refused(getattr(stub, kind.name.removesuffix("Request"))(wrong, metadata=ADMIN))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    [violation] = details_of(error)["BadRequest"].field_violations
    assert (violation.field, bool(violation.description)) == (field, True)


async def test_a_page_beyond_the_largest_is_the_largest(credits_, shop):
    request = credit_pb2.ListEntriesRequest(user_id=shop.user_id, page_size=10_000)
    assert not (await credits_.ListEntries(request, metadata=ADMIN)).entries


async def test_a_fault_of_ours_says_nothing_and_is_logged(credits_, shop, house):
    house.credits.wrong = KeyError("secret detail")
    with capture_logs() as logs:
        error = await refused(credits_.GetBalance(credit_pb2.GetBalanceRequest(user_id=shop.user_id), metadata=ADMIN))
    assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "Something went wrong on our side.")
    assert [line["event"] for line in logs] == ["rpc_failed", "rpc_call"]
    assert logs[1]["code"] == "INTERNAL"


async def test_an_outage_asks_to_come_again(credits_, shop, house):
    house.credits.wrong = Unavailable("Postgres does not answer.")
    error = await refused(credits_.GetBalance(credit_pb2.GetBalanceRequest(user_id=shop.user_id), metadata=ADMIN))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert details_of(error)["RetryInfo"].retry_delay.seconds == 1


async def test_a_call_is_logged_by_its_name_and_outcome_only(credits_, shop):
    with capture_logs() as logs:
        await credits_.GetBalance(credit_pb2.GetBalanceRequest(user_id=shop.user_id), metadata=ADMIN)
    [line] = logs
    assert set(line) == {"event", "log_level", "method", "code", "milliseconds"}
    assert (line["method"], line["code"]) == ("/frontdesk.v1.CreditService/GetBalance", "OK")


async def test_a_call_without_a_deadline_gets_ours(house, shop):
    house.credits.seconds = 5
    async with served_by_rpc(house, call_seconds_max=0.1) as channel:
        request = credit_pb2.GetBalanceRequest(user_id=shop.user_id)
        error = await refused(CreditServiceStub(channel).GetBalance(request, metadata=ADMIN))
        assert (error.code(), error.details()) == (grpc.StatusCode.DEADLINE_EXCEEDED, "The call took too long.")
        house.credits.seconds = 0.3
        await CreditServiceStub(channel).GetBalance(request, metadata=ADMIN, timeout=5)


async def test_a_callers_deadline_ends_the_work_too(credits_, shop, house):
    house.credits.seconds = 5
    request = credit_pb2.GetBalanceRequest(user_id=shop.user_id)
    error = await refused(credits_.GetBalance(request, metadata=ADMIN, timeout=0.2))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(house.credits.left.wait(), 2)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"\xff\xff", ""),
        (b"\x0a\x02\xff\xfe", ""),
        (b"\xc2\x3e\x01a", "1000"),
    ],
    ids=["nonsense", "not UTF-8", "a field that nobody knows"],
)
async def test_what_cannot_be_read_whole_is_refused(channel, data, field):
    ask = channel.unary_unary("/frontdesk.v1.CreditService/GetBalance")
    error = await refused(ask(data, metadata=ADMIN))
    [violation] = details_of(error)["BadRequest"].field_violations
    assert (error.code(), violation.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)
    error = await refused(ask(data))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_field_that_nobody_knows_is_named_with_the_way_to_it(channel, shop):
    template = phone_number_pb2.Template.FromString(b"\x0a\x01a\xc2\x3e\x01a")
    request = phone_number_pb2.UpdatePhoneNumberRequest(user_id=shop.user_id, phone_number_id=shop.phone_number_id)
    request.settings.template.CopyFrom(template)
    error = await refused(PhoneNumberServiceStub(channel).UpdatePhoneNumber(request, metadata=ADMIN))
    assert details_of(error)["BadRequest"].field_violations[0].field == "settings.template.1000"


async def test_an_update_is_about_what_its_mask_names(channel, shop):
    agents = AgentServiceStub(channel)
    one = {"user_id": shop.user_id, "agent_id": shop.agent_id}
    named = agent_pb2.UpdateAgentRequest(**one, name="Ben", update_mask={"paths": ["phone_number_id"]})
    changed = (await agents.UpdateAgent(named, metadata=ADMIN)).agent
    assert (changed.name, changed.HasField("phone_number_id")) == ("Ann", False)
    for path in ("name", "created_at"):
        wrong = agent_pb2.UpdateAgentRequest(**one, update_mask={"paths": [path]})
        assert (await refused(agents.UpdateAgent(wrong, metadata=ADMIN))).code() is grpc.StatusCode.INVALID_ARGUMENT
    nothing = agent_pb2.UpdateAgentRequest(**one)
    assert (await agents.UpdateAgent(nothing, metadata=ADMIN)).agent == changed


async def test_a_request_beyond_a_mebibyte_is_refused(credits_, shop):
    request = credit_pb2.AddCreditsRequest(user_id=shop.user_id, amount=1, note="x" * 1024 * 1024)
    error = await refused(credits_.AddCredits(request, metadata=ADMIN))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_an_unknown_method_is_unimplemented(channel):
    error = await refused(channel.unary_unary("/frontdesk.v1.CreditService/Steal")(b""))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_health_is_told_for_each_service_without_a_key(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", *SERVICES):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    error = await refused(stub.Check(health_pb2.HealthCheckRequest(service="frontdesk.v1.Nothing")))
    assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_names_every_service_without_a_key(channel):
    call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    )
    [answer] = [answer async for answer in call]
    assert {service.name for service in answer.list_services_response.service} == {
        *SERVICES,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


@pytest.mark.parametrize("streams_in", [False, True])
@pytest.mark.parametrize("streams_out", [False, True])
async def test_errors_and_keys_hold_for_calls_of_every_kind(house, streams_in, streams_out):
    async def once(request, context):
        raise Unavailable("Away.")

    async def many(request, context):
        yield b"first"
        raise Unavailable("Away.")

    kind = f"{'stream' if streams_in else 'unary'}_{'stream' if streams_out else 'unary'}"
    handler = getattr(grpc, f"{kind}_rpc_method_handler")(many if streams_out else once)
    server = grpc.aio.server(interceptors=[CallInterceptor(house.application)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", {"Try": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = getattr(channel, kind)("/test.Service/Try")
        for metadata, code in [(ADMIN, grpc.StatusCode.UNAVAILABLE), ((), grpc.StatusCode.UNAUTHENTICATED)]:
            call = method(iter([b""]) if streams_in else b"", metadata=metadata)
            if streams_out:
                assert await refused(_drained(call)) is not None
            else:
                await refused(call)
            assert await call.code() is code
    await server.stop(None)


async def _drained(call) -> None:
    async for _ in call:
        pass


async def test_a_call_in_flight_is_finished_before_the_door_closes(house, shop):
    house.credits.seconds = 0.5
    async with served(serve_rpc, house.application) as (port, stop, task):
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            asking = CreditServiceStub(channel).GetBalance(
                credit_pb2.GetBalanceRequest(user_id=shop.user_id), metadata=ADMIN
            )
            await house.credits.asked.wait()
            stop.set()
            await asyncio.sleep(0.1)
            assert not task.done()
            assert (await asking).balance.balance == 0
        await asyncio.wait_for(task, 5)


async def test_somebody_who_watches_its_health_does_not_hold_the_door_open(house):
    async with (
        served(serve_rpc, house.application) as (port, stop, task),
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        stop.set()
        await asyncio.wait_for(task, 5)


async def test_health_follows_the_dependencies(house, monkeypatch):
    monkeypatch.setattr("entrypoints.rpc.health.FOLLOW_SECONDS", 0.01)
    async with (
        served(serve_rpc, house.application) as (port, _, _),
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        for service in ("", SERVICES[0]):
            watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service))
            assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
            house.probe.reason = "Postgres does not answer."
            assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            house.probe.reason = None
            assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING


async def test_a_call_is_counted(house, conversations):
    await refused(conversations.ListConversations(conversation_pb2.ListConversationsRequest(), metadata=()))

    (counted,) = house.telemetry.counts
    assert counted.startswith('requests_total{door="grpc",route="/frontdesk.v1.ConversationService/ListConversations"')


async def test_a_port_in_use_is_one_line_that_names_it(house):
    async with served(serve_rpc, house.application) as (port, _, _):
        with pytest.raises(CannotListen, match=rf"^gRPC cannot listen on 127.0.0.1:{port}: address already in use.$"):
            await serve_rpc(house.application, "127.0.0.1", port)


async def test_an_alert_tells_how_soon_somebody_should_look(channel, house, shop):
    for kind in (AlertKind.QUEUE_OVERFLOW, AlertKind.LOW_BALANCE):
        await house.alerts.raise_alert(kind, "it", UUID(shop.user_id), "Look.")

    request = alert_pb2.ListUserAlertsRequest(user_id=shop.user_id)
    listed = await AlertServiceStub(channel).ListUserAlerts(request, metadata=key_of(shop))

    assert [(one.kind, alert_pb2.AlertSeverity.Name(one.severity)) for one in listed.alerts] == [
        ("queue_overflow", "ALERT_SEVERITY_CRITICAL"),
        ("low_balance", "ALERT_SEVERITY_WARNING"),
    ]
