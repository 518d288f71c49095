import hashlib
import hmac

import pytest

from adapters.channels.meta_webhook import MetaWebhookReader
from adapters.channels.signature import MetaSignature
from application.ports.channel_gateway import ForgedWebhook, UnsignedWebhook

BODY = '{"object":"page","text":"\\u00e4 \\/ ä"}'.encode()
NEW = "the new secret"
READER = MetaWebhookReader(MetaSignature([NEW, "the old one"], "token"))


def _made(secret: str = NEW, body: bytes = BODY, digest=hashlib.sha256) -> str:
    return hmac.new(secret.encode(), body, digest).hexdigest()


@pytest.mark.parametrize("secret", ["the new secret", "the old one"])
def test_a_delivery_signed_with_any_of_our_secrets_is_read(secret: str) -> None:
    assert READER.read({"x-hub-signature-256": f"sha256={_made(secret)}"}, BODY).messages == []


def test_a_delivery_of_instagram_s_is_signed_with_a_secret_of_its_own() -> None:
    event = '{"sender":{"id":"1"},"recipient":{"id":"2"},"message":{"mid":"m","text":"\\u00e4 \\/"}}'
    body = f'{{"object":"instagram","entry":[{{"id":"2","messaging":[{event}]}}]}}'.encode()

    (message,) = READER.read({"x-hub-signature-256": f"sha256={_made('the old one', body)}"}, body).messages

    assert message.text == "ä /"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature": f"sha1={_made(digest=hashlib.sha1)}"},
        {"x-hub-signature": f"sha256={_made()}"},
    ],
)
def test_a_delivery_without_a_signature_of_this_kind_is_unsigned(headers: dict[str, str]) -> None:
    with pytest.raises(UnsignedWebhook):
        READER.read(headers, BODY)


@pytest.mark.parametrize(
    "shown",
    [
        "",
        _made("a stranger's secret"),
        _made("the new secret "),
        _made()[:-1],
        _made() + "0",
        _made().upper(),
        f" {_made()}",
        f"{_made()}\n",
        _made(body=BODY + b" "),
        _made(digest=hashlib.sha1),
        "ü" * 64,
        f"sha256={_made()}",
    ],
)
def test_a_delivery_with_another_signature_is_forged(shown: str) -> None:
    with pytest.raises(ForgedWebhook):
        READER.read({"x-hub-signature-256": f"sha256={shown}"}, BODY)


@pytest.mark.parametrize(
    "shown",
    [
        _made(),
        "nonsense",
        "sha256",
        f"sha1={_made(digest=hashlib.sha1)}",
        f"SHA256={_made()}",
        f" sha256={_made()}",
    ],
)
def test_a_delivery_with_a_signature_of_no_form_we_know_is_forged(shown: str) -> None:
    with pytest.raises(ForgedWebhook):
        READER.read({"x-hub-signature-256": shown}, BODY)


@pytest.mark.parametrize(
    "body", [BODY.replace(b"\\u00e4", "ä".encode()), BODY.replace(b"\\/", b"/"), BODY + b"\n", b""]
)
def test_the_bytes_that_came_are_what_was_signed(body: bytes) -> None:
    with pytest.raises(ForgedWebhook):
        READER.read({"x-hub-signature-256": f"sha256={_made()}"}, body)


@pytest.mark.parametrize("challenge", ["1158201444", "CHALLENGE_ACCEPTED", "3f1c-77.a"])
def test_the_handshake_is_echoed_for_our_token(challenge: str) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "token", "hub.challenge": challenge}

    assert READER.challenge(query) == challenge


@pytest.mark.parametrize(
    "change",
    [
        {"hub.verify_token": "Token"},
        {"hub.verify_token": ""},
        {"hub.mode": "unsubscribe"},
        {"hub.challenge": ""},
        {"hub.challenge": "<script>"},
        {"hub.challenge": "1" * 101},
        {"hub.challenge": "٣"},
        {"hub.challenge": "a b"},
        {"hub.challenge": "42\n"},
    ],
)
def test_any_other_handshake_is_refused(change: dict[str, str]) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "token", "hub.challenge": "1158201444"} | change

    with pytest.raises(ForgedWebhook):
        READER.challenge(query)
