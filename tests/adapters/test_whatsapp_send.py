import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.channels.whatsapp import WhatsAppGateway
from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from domain.channels import ChannelType
from domain.delivery import Accepted, Ambiguous, Deferred, Refused
from tests.builders import a_voice, an_id

PAYLOADS = Path(__file__).parents[1] / "payloads"
EXAMPLES = [*PAYLOADS.glob("*/graph_errors/*.json")]
CLASSES = {"2": Ambiguous, "4": Deferred, "80007": Deferred, "130429": Deferred}


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
    return WhatsAppGateway(http, meta_process.url, "v23.0")


@pytest.fixture
def gateway_of_provider(http, provider) -> WhatsAppGateway:
    return WhatsAppGateway(http, provider.url, "v23.0")


async def test_an_accepted_text_reaches_the_customer_and_bears_the_platform_s_id(gateway, meta_controls) -> None:
    text = _a_text()

    outcome = await gateway.send(_a_briefing(), text)

    (record,) = await meta_controls.records("message")
    assert outcome == Accepted(record["platform_message_id"])
    assert (record["customer_id"], record["text"]) == ("4917012345", "Until six. 🥐")
    assert record["callback_data"] == str(text.message_id)
    assert record["phone_number_id"] == "42"


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ({"error": {"http_status": 400, "code": 131047}}, Refused),
        ({"error": {"http_status": 400, "code": 131026}}, Refused),
        ({"error": {"http_status": 401, "code": 190, "subcode": 463}}, Refused),
        ({"error": {"http_status": 403, "code": 10}}, Refused),
        ({"error": {"http_status": 400, "code": 100}}, Refused),
        ({"error": {"http_status": 400, "code": 424242}}, Refused),
        ({"error": {"http_status": 400, "code": 130429}}, Deferred),
        ({"error": {"http_status": 429, "code": 130429}}, Deferred),
        ({"error": {"http_status": 400, "code": 131056}}, Deferred),
        ({"error": {"http_status": 400, "code": 4}}, Deferred),
        ({"error": {"http_status": 429, "code": 80007}}, Deferred),
        ({"error": {"http_status": 400, "code": 424242, "is_transient": True}}, Deferred),
        ({"error": {"http_status": 500, "code": 131000}}, Ambiguous),
        ({"error": {"http_status": 400, "code": 131016}}, Ambiguous),
        ({"error": {"http_status": 503, "code": 131057}}, Ambiguous),
        ({"error": {"http_status": 500, "code": 1}}, Ambiguous),
        ({"error": {"http_status": 500, "code": 2, "is_transient": True}}, Ambiguous),
        ({"error": {"http_status": 500, "code": 424242}}, Ambiguous),
        ({"accept_and_lose": True}, Ambiguous),
        ({"unparsable": True}, Accepted),
        ({"failed_later": {"code": 131026, "title": "Undeliverable"}}, Accepted),
    ],
    ids=str,
)
async def test_every_answer_of_graph_has_its_outcome_and_was_one_call(gateway, meta_controls, then, expected) -> None:
    await meta_controls.script({"then": then, "times": 1})

    outcome = await gateway.send(_a_briefing(), _a_text())

    assert isinstance(outcome, expected)
    assert len(await meta_controls.records("message")) == 1
    records = (await meta_controls.call("GET", "journal", kind="message"))["records"]
    assert len(records) == 1


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
    gateway = WhatsAppGateway(http, "http://127.0.0.1:1/", "v23.0")

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
