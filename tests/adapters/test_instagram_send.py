import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from adapters.channels.gateway import Platforms
from adapters.channels.graph import Graph
from adapters.channels.instagram import InstagramGateway
from adapters.channels.whatsapp import WhatsAppGateway
from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from domain.channels import ChannelType, Template
from domain.delivery import Accepted, Ambiguous, Deferred, Refused
from tests.builders import a_voice, an_id


def _a_briefing(channel: ChannelType = ChannelType.INSTAGRAM) -> Briefing:
    return Briefing("prm_1", 1, a_voice(), channel, "1784", "IGAA-token")


def _a_text(**fields: Any) -> OutboundText:
    defaults = {"message_id": an_id(), "address": "7001", "text": "Until six. 🥐", "timeout_seconds": 5.0}
    return OutboundText(**defaults | fields)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.fixture
def gateway(http, meta_process, meta_controls) -> InstagramGateway:
    return InstagramGateway(Graph(http, meta_process.url, "v23.0"))


@pytest.fixture
def gateway_of_provider(http, provider) -> InstagramGateway:
    return InstagramGateway(Graph(http, provider.url, "v23.0"))


async def test_an_accepted_text_reaches_the_customer_and_bears_the_platform_s_id(gateway, meta_controls) -> None:
    outcome = await gateway.send(_a_briefing(), _a_text())

    (record,) = await meta_controls.records("message")
    assert outcome == Accepted(record["platform_message_id"])
    assert (record["channel"], record["phone_number_id"]) == ("instagram", "1784")
    assert (record["customer_id"], record["text"]) == ("7001", "Until six. 🥐")


async def test_an_older_message_is_quoted(gateway, meta_controls) -> None:
    await gateway.send(_a_briefing(), _a_text(reply_to="mid.asked"))

    (record,) = await meta_controls.records("message")
    assert record["reply_to"] == "mid.asked"


@pytest.mark.parametrize("channel", [ChannelType.WHATSAPP, ChannelType.INSTAGRAM])
async def test_a_closed_window_is_known_as_such_on_both_platforms(http, meta_process, meta_controls, channel) -> None:
    await meta_controls.knobs(window_closed_for=["7001"])
    graph = Graph(http, meta_process.url, "v23.0")
    both = Platforms({ChannelType.WHATSAPP: WhatsAppGateway(graph), ChannelType.INSTAGRAM: InstagramGateway(graph)})

    outcome = await both.send(_a_briefing(channel), _a_text())

    assert isinstance(outcome, Refused)
    assert (outcome.is_window, outcome.is_our_fault, outcome.error["class"]) == (True, False, "window")


async def test_a_text_is_sent_as_instagram_documents_it(gateway_of_provider, provider) -> None:
    await gateway_of_provider.send(_a_briefing(), _a_text(reply_to="mid.asked"))

    (asked,) = provider.asked
    assert asked.path == "/v23.0/1784/messages"
    assert asked.headers["Authorization"] == "Bearer IGAA-token"
    assert json.loads(asked.body) == {
        "recipient": {"id": "7001"},
        "message": {"text": "Until six. 🥐"},
        "messaging_type": "RESPONSE",
        "reply_to": {"mid": "mid.asked"},
    }


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"", Accepted(None)),
        (200, b'{"recipient_id": "7001"}', Accepted(None)),
        (200, b'{"recipient_id": "7001", "message_id": "mid.1"}', Accepted("mid.1")),
    ],
)
async def test_a_2xx_is_an_acceptance_with_or_without_an_id(
    gateway_of_provider, provider, status, body, expected
) -> None:
    provider.says(status, body)

    assert await gateway_of_provider.send(_a_briefing(), _a_text()) == expected


async def test_the_closed_window_is_told_under_any_status(gateway_of_provider, provider) -> None:
    error = {"code": 10, "error_subcode": 2534022, "message": "Ha pasado el plazo", "type": "IGApiException"}
    for status in (200, 400, 403, 500):
        provider.says(status, json.dumps({"error": error}).encode())
        outcome = await gateway_of_provider.send(_a_briefing(), _a_text())
        assert isinstance(outcome, Refused)
        assert outcome.is_window


async def test_a_lost_answer_is_of_unknown_outcome_and_is_not_tried_again(gateway_of_provider, provider) -> None:
    provider.cuts()

    assert isinstance(await gateway_of_provider.send(_a_briefing(), _a_text()), Ambiguous)
    assert len(provider.asked) == 1


async def test_a_platform_nobody_reaches_has_taken_nothing(http) -> None:
    gateway = InstagramGateway(Graph(http, "http://127.0.0.1:1", "v23.0"))

    outcome = await gateway.send(_a_briefing(), _a_text())

    assert isinstance(outcome, Deferred)
    assert outcome.is_outage


async def test_there_are_no_templates(gateway_of_provider, provider) -> None:
    outcome = await gateway_of_provider.send_template(_a_briefing(), _a_text(), Template("come_back", "en"))

    assert isinstance(outcome, Refused)
    assert outcome.is_window
    assert provider.asked == []


async def test_a_sign_of_life_is_a_read_mark_and_then_typing(gateway, meta_controls) -> None:
    await gateway.show_typing(_a_briefing(), "7001", "mid.asked")

    (read,), (typing,) = await meta_controls.records("read"), await meta_controls.records("typing")
    assert (read["action"], typing["action"]) == ("mark_seen", "typing_on")
    assert read["number"] < typing["number"]
    assert {read["customer_id"], typing["customer_id"]} == {"7001"}


async def test_the_briefing_says_which_platform_is_meant(http, meta_process, meta_controls) -> None:
    graph = Graph(http, meta_process.url, "v23.0")
    both = Platforms({ChannelType.WHATSAPP: WhatsAppGateway(graph), ChannelType.INSTAGRAM: InstagramGateway(graph)})

    for channel in (ChannelType.WHATSAPP, ChannelType.INSTAGRAM):
        await both.send(_a_briefing(channel), _a_text())
        await both.show_typing(_a_briefing(channel), "7001", "wamid.asked")
    await both.send_template(_a_briefing(ChannelType.WHATSAPP), _a_text(), Template("come_back", "en"))

    sent = await meta_controls.records("message", count=3)
    assert [(record["channel"], record["type"]) for record in sent] == [
        ("whatsapp", "text"),
        ("instagram", "text"),
        ("whatsapp", "template"),
    ]
    assert len(await meta_controls.records("typing", count=2)) == 2
    assert (both.worded(ChannelType.WHATSAPP, "**six**"), both.worded(ChannelType.INSTAGRAM, "**six**")) == (
        ["*six*"],
        ["six"],
    )
