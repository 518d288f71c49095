"""Alerts at a real receiver of webhooks and a real mail server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from adapters.alerting.email import EmailAlertSender, MailServer
from adapters.alerting.signature import WebhookSignature
from adapters.alerting.webhook import WebhookAlertSender, as_json, as_slack
from adapters.llm.openai_catalogue import OpenAIModelCatalogue
from application.ports.alert_deliveries import NotDelivered
from domain.alert_deliveries import AlertDelivery, AlertEvent, Destination
from domain.monitoring import Alert, AlertKind
from domain.shared import Unavailable
from tests.builders import an_id
from tests.fakes.clock import MONDAY_MORNING, FrozenClock
from tests.rig import mail_server

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER_KEY = b"o" * 24
OTHER_SECRET = "whsec_" + base64.b64encode(OTHER_KEY).decode()


def a_delivery(event: AlertEvent = AlertEvent.OPENED, **fields: object) -> AlertDelivery:
    ended_at = MONDAY_MORNING + timedelta(minutes=5) if event is AlertEvent.RESOLVED else None
    alert = Alert(
        an_id(), an_id(), AlertKind.SEND_UNDECIDED, "a message", "Nobody <knows> & waits.",
        MONDAY_MORNING, MONDAY_MORNING, ended_at, 1,
    )  # fmt: skip
    return AlertDelivery(replace(alert, **fields), event, Destination.WEBHOOK, 1, 0)


@dataclass
class Receiver:
    """Takes webhooks at `url`, with the status it is told to answer."""

    url: str = ""
    status: int = 204
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.BaseRequest) -> web.Response:
        self.requests.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response(status=self.status, headers={"Location": self.url} if self.status == 302 else {})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Receiver]:
        runner = web.ServerRunner(web.Server(self.take), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/alerts?key=secret"
        yield self
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().running() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def _webhook(http, url: str, *secrets: str, body_of=as_json) -> WebhookAlertSender:
    return WebhookAlertSender(http, url, WebhookSignature(secrets), FrozenClock(), body_of)


# --- webhooks


async def test_the_receiver_can_tell_by_each_of_the_keys_that_it_is_ours(http, receiver: Receiver) -> None:
    delivery = a_delivery()

    await _webhook(http, receiver.url, SECRET, OTHER_SECRET).send(delivery)

    ((headers, body),) = receiver.requests
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in (KEY, OTHER_KEY)]
    assert headers["webhook-signature"] == " ".join(f"v1,{one}" for one in expected)
    assert int(headers["webhook-timestamp"]) == int(MONDAY_MORNING.timestamp())
    assert headers["webhook-id"] == delivery.id
    assert headers["content-type"] == "application/json"


def test_the_signature_is_the_one_of_the_published_example() -> None:
    signature = WebhookSignature(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])

    headers = signature.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_our_own_form_has_every_field(http, receiver: Receiver) -> None:
    delivery = a_delivery(AlertEvent.RESOLVED)

    await _webhook(http, receiver.url, SECRET).send(delivery)

    alert = delivery.alert
    assert json.loads(receiver.requests[0][1]) == {
        "type": "alert.resolved",
        "timestamp": "2026-10-05T09:05:00Z",
        "data": {
            "id": str(alert.id),
            "user_id": str(alert.user_id),
            "kind": "send_undecided",
            "severity": "critical",
            "subject": "a message",
            "detail": "Nobody <knows> & waits.",
            "opened_at": "2026-10-05T09:00:00Z",
            "resolved_at": "2026-10-05T09:05:00Z",
            "times": 1,
        },
    }


async def test_slack_s_form_is_a_text_that_calls_nobody(http, receiver: Receiver) -> None:
    await _webhook(http, receiver.url, body_of=as_slack).send(a_delivery(detail="<!channel> & more"))

    ((headers, body),) = receiver.requests
    text = json.loads(body)["text"].splitlines()
    assert text[0] == "*Critical: Send undecided*"
    assert text[1] == "&lt;!channel&gt; &amp; more"
    assert text[-1] == "It ends when it is decided."
    assert "webhook-signature" not in headers


@pytest.mark.parametrize("status", [302, 400, 410, 500])
async def test_whatever_is_no_2xx_is_not_delivered_and_redirects_are_not_followed(http, receiver, status) -> None:
    receiver.status = status

    with pytest.raises(NotDelivered, match=rf"^It answered {status}\.$"):
        await _webhook(http, receiver.url, SECRET).send(a_delivery())

    assert len(receiver.requests) == 1


async def test_a_receiver_that_is_not_there_is_told_of_without_its_address(http, receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", "127.0.0.2")

    with pytest.raises(NotDelivered) as refused:
        await _webhook(http, url, SECRET).send(a_delivery())

    assert "127.0.0" not in str(refused.value)
    assert "secret" not in str(refused.value)


# --- e-mail


@pytest.fixture
async def server() -> AsyncIterator[mail_server.MailServer]:
    async with mail_server.MailServer.running() as running:
        yield running


def _email(server: mail_server.MailServer, who: str = "") -> EmailAlertSender:
    url = f"smtp://{who}127.0.0.1:{server.port}"
    return EmailAlertSender(MailServer.of(url), "desk@example.com", ["ann@example.com", "bob@example.com"])


async def test_a_letter_says_to_all_recipients_what_opened(server) -> None:
    delivery = a_delivery()

    await _email(server).send(delivery)

    (letter,) = server.letters
    assert (letter["From"], letter["To"]) == ("desk@example.com", "ann@example.com, bob@example.com")
    assert letter["Subject"] == "[Frontdesk] Critical: Send undecided"
    assert letter["Message-ID"] == f"<{delivery.id}@frontdesk>"
    assert letter.get_content().splitlines() == [
        "Nobody <knows> & waits.",
        "About: a message",
        f"User: {delivery.alert.user_id}",
        "Opened: 2026-10-05T09:00:00+00:00",
        "It ends when it is decided.",
    ]
    assert len(server.recipients) == 2


async def test_the_letter_of_the_end_answers_the_one_of_the_beginning(server) -> None:
    delivery = a_delivery(AlertEvent.RESOLVED)

    await _email(server).send(delivery)

    (letter,) = server.letters
    assert letter["Subject"] == "[Frontdesk] Resolved: Send undecided"
    assert letter["In-Reply-To"] == f"<{delivery.alert.id}_opened@frontdesk>"


async def test_a_server_that_takes_nothing_now_is_asked_again(server) -> None:
    server.answer = "451 Later"

    with pytest.raises(NotDelivered, match=r"^The mail server did not take it: \w+\.$"):
        await _email(server).send(a_delivery())


async def test_a_password_is_not_given_to_a_server_without_encryption(server) -> None:
    with pytest.raises(NotDelivered):
        await _email(server, "ann:secret@").send(a_delivery())

    assert "AUTH" not in server.commands
    assert server.letters == []


def test_an_address_of_a_mail_server_is_read_with_its_escapes() -> None:
    assert MailServer.of("smtps://ann%40example.com:p%3Aw@mail.example.com") == MailServer(
        "mail.example.com", 465, "ann@example.com", "p:w", is_encrypted=True
    )
    assert MailServer.of("smtp://mail.example.com") == MailServer("mail.example.com", 587, None, None, False)


# --- models that end


async def test_the_provider_s_list_tells_which_models_end(http, openai_process, openai_controls) -> None:
    catalogue = OpenAIModelCatalogue(http, "any", openai_process.url)
    assert await catalogue.shutdown_dates() == {}

    await openai_controls.knobs(shutdown_dates={"gpt-5": "2026-12-11"})

    dates = await catalogue.shutdown_dates()
    assert {model: day.isoformat() for model, day in dates.items()} == {"gpt-5": "2026-12-11"}


async def test_a_provider_that_does_not_list_its_models_is_unavailable(http, openai_process, openai_controls) -> None:
    await openai_controls.knobs(outage=True, outage_kind="unavailable")

    with pytest.raises(Unavailable, match=r"^OpenAI does not list its models: it answered 503\.$"):
        await OpenAIModelCatalogue(http, "any", openai_process.url).shutdown_dates()
