import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from adapters.channels.graph import Graph
from adapters.channels.whatsapp import WhatsAppGateway
from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from domain.channels import ChannelType, Template
from domain.delivery import Accepted, Ambiguous, Deferred, Pace, Parked, Refused
from tests.builders import a_voice, an_id

PAYLOADS = Path(__file__).parents[1] / "payloads"
EXAMPLES = [*PAYLOADS.glob("*/graph_errors/*.json")]
CLASSES = {"2": Ambiguous, "4": Deferred, "80007": Deferred, "130429": Deferred, "190": Parked, "200": Parked}


def _a_briefing(token: str = "EAAG-token", account: str = "42") -> Briefing:  # noqa: S107
    return Briefing("prm_1", 1, a_voice(), ChannelType.WHATSAPP, account, token)


def _a_text(**fields: Any) -> OutboundText:
    defaults = {"message_id": an_id(), "address": "4917012345", "text": "Until six. 🥐", "timeout_seconds": 5.0}
    return OutboundText(**defaults | fields)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.fixture
def gateway(http, meta_process, meta_controls) -> WhatsAppGateway:
    return WhatsAppGateway(Graph(http, meta_process.url, "v23.0"))


@pytest.fixture
def gateway_of_provider(http, provider) -> WhatsAppGateway:
    return WhatsAppGateway(Graph(http, provider.url, "v23.0"))


async def test_an_accepted_text_reaches_the_customer_and_bears_the_platform_s_id(gateway, meta_controls) -> None:
    text = _a_text()

    outcome = await gateway.send(_a_briefing(), text)

    (record,) = await meta_controls.records("message")
    assert outcome == Accepted(record["platform_message_id"])
    assert (record["customer_id"], record["text"]) == ("4917012345", "Until six. 🥐")
    assert record["callback_data"] == str(text.message_id)
    assert record["phone_number_id"] == "42"


async def test_the_message_that_is_answered_travels_along(gateway, meta_controls) -> None:
    text = _a_text(question_id=UUID(int=7))

    await gateway.send(_a_briefing(), text)

    (record,) = await meta_controls.records("message")
    assert record["callback_data"] == f"{text.message_id} {UUID(int=7)}"


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ({"accept_and_lose": True}, Ambiguous),
        ({"unparsable": True}, Accepted),
        ({"failed_later": {"code": 131026, "title": "Undeliverable"}}, Accepted),
    ],
    ids=str,
)
async def test_whatever_becomes_of_an_answer_it_was_one_call(gateway, meta_controls, then, expected) -> None:
    await meta_controls.script({"then": then, "times": 1})

    outcome = await gateway.send(_a_briefing(), _a_text())

    assert isinstance(outcome, expected)
    assert len(await meta_controls.records("message")) == 1


async def test_how_long_graph_asks_to_wait_is_handed_on(gateway, meta_controls) -> None:
    error = {"http_status": 429, "code": 130429, "retry_after": 7}
    await meta_controls.script({"then": {"error": error}, "times": 1})

    outcome = await gateway.send(_a_briefing(), _a_text())

    assert isinstance(outcome, Deferred)
    assert outcome.after_seconds == 7.0
    assert (outcome.error["http_status"], outcome.error["code"]) == (429, 130429)


async def test_a_send_that_is_never_answered_is_of_unknown_outcome(gateway, meta_controls) -> None:
    await meta_controls.script({"then": {"hang": True}, "times": 1})

    assert isinstance(await gateway.send(_a_briefing(), _a_text(timeout_seconds=0.2)), Ambiguous)


async def test_a_platform_nobody_reaches_has_taken_nothing(http) -> None:
    gateway = WhatsAppGateway(Graph(http, "http://127.0.0.1:1/", "v23.0"))

    assert isinstance(await gateway.send(_a_briefing(), _a_text()), Deferred)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
async def test_the_official_errors_are_understood_under_any_status(gateway_of_provider, provider, example) -> None:
    body = example.read_bytes()
    code = str(json.loads(body)["error"]["code"])

    for status in (400, 403, 429, 200):
        provider.says(status, body)
        outcome = await gateway_of_provider.send(_a_briefing(), _a_text())
        assert isinstance(outcome, CLASSES.get(code, Refused)), (status, outcome)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"", Accepted(None)),
        (200, b"<html>", Accepted(None)),
        (200, b'{"messages": []}', Accepted(None)),
        (200, b'{"messages": [{"id": "wamid.1"}]}', Accepted("wamid.1")),
        (200, b'{"error": {"code": "131047"}}', Refused),
        (201, b'{"messages": [{"id": "wamid.1", "message_status": "accepted"}]}', Accepted("wamid.1")),
        (302, b"", Refused),
        (400, b"", Refused),
        (400, b'{"error": "no"}', Refused),
        (400, b'{"error": {"code": "130429"}}', Deferred),
        (404, b"<html>", Refused),
        (429, b"", Deferred),
        (500, b"<html>", Ambiguous),
        (502, b"", Ambiguous),
        (503, b'{"error": {"code": null, "is_transient": true}}', Ambiguous),
    ],
)
async def test_an_unreadable_body_is_judged_by_its_status(
    gateway_of_provider, provider, status, body, expected
) -> None:
    provider.says(status, body)

    outcome = await gateway_of_provider.send(_a_briefing(), _a_text())

    assert outcome == expected if isinstance(expected, Accepted) else isinstance(outcome, expected)
    assert len(provider.asked) == 1


async def test_a_cut_line_is_of_unknown_outcome_and_is_not_tried_again(gateway_of_provider, provider) -> None:
    provider.cuts()

    assert isinstance(await gateway_of_provider.send(_a_briefing(), _a_text()), Ambiguous)
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("4917012345", {"to": "+4917012345"}),
        # As they came: what people dial has a 9 more, or a 1, or a 9 in another place.
        ("551187654321", {"to": "+551187654321"}),
        ("5511987654321", {"to": "+5511987654321"}),
        ("5215512345678", {"to": "+5215512345678"}),
        ("525512345678", {"to": "+525512345678"}),
        ("5491123456789", {"to": "+5491123456789"}),
        ("541123456789", {"to": "+541123456789"}),
        ("BR.ENT.13491208655302741918", {"recipient": "BR.ENT.13491208655302741918"}),
        ("US.13491208655302741918", {"recipient": "US.13491208655302741918"}),
    ],
)
async def test_a_number_bears_its_plus_and_a_user_id_stands_in_a_field_of_its_own(
    gateway_of_provider, provider, address, named
) -> None:
    text = _a_text(address=address)

    await gateway_of_provider.send(_a_briefing(), text)

    (asked,) = provider.asked
    assert asked.path == "/v23.0/42/messages"
    assert asked.headers["Authorization"] == "Bearer EAAG-token"
    assert json.loads(asked.body) == named | {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "type": "text",
        "text": {"body": "Until six. 🥐", "preview_url": False},
        "biz_opaque_callback_data": str(text.message_id),
    }


@pytest.mark.parametrize("token", ["EAAG\n", "EA\r\nX-Other: 1", "EA\x00"])
async def test_a_token_that_no_header_can_carry_is_refused_unsent(gateway_of_provider, provider, token) -> None:
    outcome = await gateway_of_provider.send(_a_briefing(token), _a_text())

    assert isinstance(outcome, Refused)
    assert "EA" not in str(outcome.error)
    assert provider.asked == []


async def test_what_is_kept_of_an_error_names_no_customer(gateway_of_provider, provider) -> None:
    error = {"code": 131026, "message": "4917012345 cannot be reached", "error_data": {"details": "4917012345"}}
    provider.says(400, json.dumps({"error": error}).encode())

    outcome = await gateway_of_provider.send(_a_briefing(), _a_text())

    assert isinstance(outcome, Refused)
    assert "4917012345" not in str(outcome.error)


async def test_an_older_message_is_quoted(gateway, meta_controls) -> None:
    await gateway.send(_a_briefing(), _a_text(reply_to="wamid.asked"))

    (record,) = await meta_controls.records("message")
    assert record["reply_to"] == "wamid.asked"


async def test_a_template_is_sent_by_its_name_and_language(gateway_of_provider, provider) -> None:
    text = _a_text()

    await gateway_of_provider.send_template(_a_briefing(), text, Template("come_back", "en_US"))

    (asked,) = provider.asked
    assert json.loads(asked.body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+4917012345",
        "type": "template",
        "template": {"name": "come_back", "language": {"code": "en_US"}},
        "biz_opaque_callback_data": str(text.message_id),
    }


async def test_read_mark_and_typing_sign_are_one_call(gateway, meta_controls) -> None:
    await gateway.show_typing(_a_briefing(), "4917012345", "wamid.asked")

    (record,) = await meta_controls.records("typing")
    assert record["platform_message_id"] == "wamid.asked"
    assert (await meta_controls.call("GET", "journal", kind="read"))["records"] == []


async def test_a_sign_of_life_that_fails_fails_silently(gateway_of_provider, provider) -> None:
    for fails in (lambda: provider.says(500, b"<html>"), provider.cuts):
        fails()
        await gateway_of_provider.show_typing(_a_briefing(), "4917012345", "wamid.asked")
    await gateway_of_provider.show_typing(_a_briefing("EA\n"), "4917012345", "wamid.asked")


async def test_how_long_a_business_is_held_back_is_read_from_its_usage(gateway_of_provider, provider) -> None:
    usage = {"7": [{"type": "whatsapp", "call_count": 100, "estimated_time_to_regain_access": 2}], "8": [{}]}
    error = json.dumps({"error": {"code": 80007}}).encode()
    provider.says(429, error, X_Business_Use_Case_Usage=json.dumps(usage), Retry_After="7")

    outcome = await gateway_of_provider.send(_a_briefing(), _a_text())

    assert isinstance(outcome, Deferred)
    assert (outcome.after_seconds, outcome.pace) == (120.0, Pace.NUMBER)


@pytest.mark.parametrize("header", ["", "soon", "-5", "nan", "inf"])
async def test_a_wait_that_nobody_understands_is_none(gateway_of_provider, provider, header) -> None:
    provider.says(429, b'{"error": {"code": 4}}', Retry_After=header, X_Business_Use_Case_Usage="{broken")

    outcome = await gateway_of_provider.send(_a_briefing(), _a_text())

    assert isinstance(outcome, Deferred)
    assert outcome.after_seconds is None
