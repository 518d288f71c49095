"""The webhooks that follow a send, and those that a customer causes."""

import asyncio
import json
from itertools import pairwise
from pathlib import Path

import pytest

from tests.simulators.conftest import APP_SECRET, INSTAGRAM_APP_SECRET

PAYLOADS = Path(__file__).parents[1] / "payloads" / "simulators"
PHONE_NUMBER_ID = "106540352242922"
ACCOUNT_ID = "17841400000000000"


def sample(name):
    (path,) = PAYLOADS.glob(f"*/{name}*.json")
    return json.loads(path.read_text())


def shape(value):
    """The keys of a payload, without its values."""
    if isinstance(value, dict):
        return {key: shape(content) for key, content in value.items()}
    return [shape(element) for element in value] if isinstance(value, list) else type(value).__name__


@pytest.fixture
def send(session, meta_process):
    async def send(text="Hello", to="+16505551234", **more):
        body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": text}, **more}
        url = f"{meta_process.url}/v22.0/{PHONE_NUMBER_ID}/messages"
        async with session.post(url, json=body, headers={"Authorization": "Bearer any"}) as answer:
            return (await answer.json())["messages"][0]["id"]

    return send


@pytest.fixture
def send_on_instagram(session, meta_process):
    async def send(customer_id, text="Hello", account="me"):
        body = {"recipient": {"id": customer_id}, "message": {"text": text}}
        url = f"{meta_process.url}/v22.0/{account}/messages"
        async with session.post(url, json=body, headers={"Authorization": "Bearer any"}) as answer:
            return (await answer.json())["message_id"]

    return send


@pytest.fixture
def say(meta_controls):
    async def say(**said):
        body = {"phone_number_id": PHONE_NUMBER_ID, "from": "16505551234", **said}
        return await meta_controls.call("POST", "customers/say", body)

    return say


async def test_sent_delivered_and_read_follow_a_send_with_our_data(send, callback):
    message_id = await send(biz_opaque_callback_data="msg_7")

    deliveries = await callback.next(3)

    statuses = [delivery.status for delivery in deliveries]
    assert [status["status"] for status in statuses] == ["sent", "delivered", "read"]
    assert {status["id"] for status in statuses} == {message_id}
    assert {status["recipient_id"] for status in statuses} == {"16505551234"}
    assert {status["biz_opaque_callback_data"] for status in statuses} == {"msg_7"}
    assert statuses[0]["pricing"]["pricing_model"] == "PMP"
    assert deliveries[0].value["metadata"]["phone_number_id"] == PHONE_NUMBER_ID


async def test_a_status_has_the_keys_of_metas_own(session, meta_process, callback):
    url = f"{meta_process.url}/v22.0/{PHONE_NUMBER_ID}/messages"
    body = {"messaging_product": "whatsapp", "recipient": "US.13491208655302741918", "text": {"body": "Hi"}}
    async with session.post(url, json=body, headers={"Authorization": "Bearer any"}):
        _, delivered, _ = await callback.next(3)

    expected = sample("status_delivered__vaam")
    status = expected["entry"][0]["changes"][0]["value"]["statuses"][0]
    del status["recipient_parent_user_id"]
    del expected["entry"][0]["changes"][0]["value"]["contacts"]
    assert shape(delivered.payload) == shape(expected)
    assert delivered.status["recipient_user_id"] == "US.13491208655302741918"


async def test_the_signature_is_of_the_very_bytes_which_are_escaped_as_metas_are(say, callback):
    await say(text="Grüße / 👋 \u0000", name="Zoë")

    (delivery,) = await callback.next()

    assert delivery.is_signed_with(APP_SECRET)
    assert b"Gr\\u00fc\\u00dfe \\/ \\ud83d\\udc4b \\u0000" in delivery.body
    assert b"Zo\\u00eb" in delivery.body
    assert delivery.body.isascii()
    assert b'": ' not in delivery.body
    assert delivery.value["messages"][0]["text"]["body"] == "Grüße / 👋 \u0000"


async def test_instagram_webhooks_are_signed_with_the_secret_of_instagram(say, callback):
    await say(channel="instagram", phone_number_id=ACCOUNT_ID, **{"from": "7"}, text="Hi")

    (delivery,) = await callback.next()

    assert delivery.is_signed_with(INSTAGRAM_APP_SECRET)
    assert not delivery.is_signed_with(APP_SECRET)


@pytest.mark.parametrize("signature", ["wrong", "missing"])
async def test_a_webhook_can_be_signed_wrongly_or_not_at_all(say, callback, signature):
    callback.refusals = [403]

    said = await say(text="Hi", signature=signature, redelivered=False)

    (delivery,) = await callback.next()
    assert said["webhook_status"] == 403
    assert (delivery.signature is None) == (signature == "missing")
    assert not delivery.is_signed_with(APP_SECRET)


async def test_what_a_customer_says_has_the_keys_of_metas_own(say, callback):
    said = await say(name="Sheena Nelson", text="Does it come in another color?")

    (delivery,) = await callback.next()
    assert shape(delivery.payload) == shape(sample("text__facebook-openapi__text-message"))
    assert delivery.value["messages"][0]["id"] == said["platform_message_id"]
    assert said["webhook_status"] == 200


async def test_what_a_customer_says_on_instagram_has_the_keys_of_metas_own(say, callback):
    said = await say(channel="instagram", phone_number_id=ACCOUNT_ID, **{"from": "7"}, text="Hi")

    (delivery,) = await callback.next()
    assert shape(delivery.payload) == shape(sample("text__vercel-chat"))
    assert delivery.event["message"]["mid"] == said["platform_message_id"]


async def test_an_instagram_send_is_echoed_to_the_account_the_customer_wrote_to_and_seen(
    say, send_on_instagram, callback
):
    await say(channel="instagram", phone_number_id=ACCOUNT_ID, **{"from": "77"}, text="Hi")
    message_id = await send_on_instagram("77", "Hello back")

    _, echo, seen = await callback.next(3)

    assert shape(echo.payload) == shape(sample("echo_text__"))
    assert shape(seen.payload) == shape(sample("read__"))
    assert (echo.event["sender"]["id"], echo.event["recipient"]["id"]) == (ACCOUNT_ID, "77")
    assert echo.event["message"] == {"mid": message_id, "text": "Hello back", "is_echo": True}
    assert seen.event["read"] == {"mid": message_id}


async def test_a_customer_can_send_any_kind_of_message(say, callback):
    await say(kind="image", value={"id": "123", "mime_type": "image/jpeg"}, reply_to="wamid.1")
    await say(kind="reaction", value={"message_id": "wamid.1", "emoji": "👍"})
    await say(**{"from": ""}, user_id="US.1", text="No number")
    await say(channel="instagram", **{"from": "7"}, kind="postback", value={"payload": "BUY"})

    image, reaction, nameless, postback = await callback.next(4)

    message = image.value["messages"][0]
    assert (message["type"], message["image"]["id"], message["context"]["id"]) == ("image", "123", "wamid.1")
    assert reaction.value["messages"][0]["reaction"]["emoji"] == "👍"
    assert "from" not in nameless.value["messages"][0]
    assert nameless.value["contacts"][0]["user_id"] == "US.1"
    assert postback.event["postback"]["payload"] == "BUY"


async def test_a_raw_value_or_raw_bytes_are_posted_as_they_are(say, callback):
    await say(raw={"object": "whatsapp_business_account", "entry": []})
    await say(raw="not { json")
    await say(text="lone \ud83d surrogate")

    value, text, surrogate = await callback.next(3)

    assert value.payload == {"object": "whatsapp_business_account", "entry": []}
    assert text.body == b"not { json"
    assert text.is_signed_with(APP_SECRET)
    assert b"lone \\ud83d surrogate" in surrogate.body


@pytest.mark.parametrize("concurrent", [False, True])
async def test_a_customers_message_can_come_several_times(say, callback, concurrent):
    said = await say(text="Hi", times=5, concurrent=concurrent)

    deliveries = await callback.next(5)

    assert said["webhook_statuses"] == [200] * 5
    assert len({delivery.body for delivery in deliveries}) == 1


async def test_a_refused_webhook_is_delivered_again_with_growing_pauses(say, callback, meta_controls):
    await meta_controls.knobs(redelivery_base_ms=40)
    callback.refusals = [500, 404, 503]

    said = await say(text="Hi")

    deliveries = await callback.next(4)
    assert said["webhook_status"] == 500
    assert len({delivery.body for delivery in deliveries}) == 1
    attempts = await meta_controls.records("webhook", count=4)
    assert [(record["attempt"], record["status"]) for record in attempts] == [
        (1, 500),
        (2, 404),
        (3, 503),
        (4, 200),
    ]
    pauses = [after["time"] - before["time"] for before, after in pairwise(attempts)]
    assert pauses[0] < pauses[1] < pauses[2]
    assert (await meta_controls.call("GET", "deliveries")) == {"under_way": 0}


async def test_redelivery_ends_after_the_given_number_of_attempts(say, callback, meta_controls):
    await meta_controls.knobs(redelivery_base_ms=5, redelivery_attempts_max=2)
    callback.refusals = [500] * 10

    await say(text="Hi")

    await callback.next(3)
    await asyncio.sleep(0.1)
    assert callback.arrived.empty()


async def test_a_webhook_nobody_hears_is_delivered_once_somebody_does(say, callback, meta_controls):
    url = (await meta_controls.call("GET", "knobs"))["webhook_url"]
    await meta_controls.knobs(webhook_url="http://127.0.0.1:9/nobody", redelivery_base_ms=100)

    said = await say(text="Hi")
    await meta_controls.knobs(webhook_url=url)

    assert said["webhook_status"] is None
    assert await callback.next()


async def test_which_statuses_follow_is_a_knob(send, callback, meta_controls):
    await meta_controls.knobs(statuses=["read"])
    await send()
    (delivery,) = await callback.next()
    assert delivery.status["status"] == "read"

    await meta_controls.knobs(statuses=[])
    await send()
    await asyncio.sleep(0.1)
    assert callback.arrived.empty()


async def test_webhooks_come_twice_at_the_duplicate_rate(send, callback, meta_controls):
    await meta_controls.knobs(duplicate_rate=1)

    await send()

    statuses = [delivery.status["status"] for delivery in await callback.next(6)]
    assert statuses == ["sent", "sent", "delivered", "delivered", "read", "read"]


async def test_statuses_come_shuffled_at_the_rate_of_disorder(send, callback, meta_controls):
    await meta_controls.knobs(disorder=1, seed=1)

    orders = set()
    for _ in range(6):
        await send()
        orders.add(tuple(delivery.status["status"] for delivery in await callback.next(3)))

    assert len(orders) > 1
    assert all(set(order) == {"sent", "delivered", "read"} for order in orders)


async def test_statuses_can_be_late(send, callback, meta_controls):
    await meta_controls.knobs(status_delay_ms=150, status_delay_spread_ms=20, statuses=["sent"])

    await send()

    await asyncio.sleep(0.05)
    assert callback.arrived.empty()
    assert await callback.next()


async def test_a_message_can_fail_after_it_was_accepted(send, callback, meta_controls):
    failure = {"code": 131049, "title": "Not delivered", "details": "To maintain healthy engagement"}
    await meta_controls.script({"match": "16505551234", "then": {"failed_later": failure}, "times": 1})

    await send()

    sent, failed = await callback.next(2)
    assert sent.status["status"] == "sent"
    assert failed.status["errors"][0]["code"] == 131049
    assert shape(failed.payload) == shape(sample("status_failed__vaam"))


async def test_without_a_webhook_url_nothing_is_posted(say, send, meta_controls):
    await send()

    said = await say(text="Hi", redelivered=False)

    assert said["webhook_status"] is None
    assert (await meta_controls.call("GET", "deliveries")) == {"under_way": 0}
