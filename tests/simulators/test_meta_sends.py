"""Sends, as a business makes them."""

import hashlib
import io
import json
from pathlib import Path

import aiohttp
import pytest

PAYLOADS = Path(__file__).parents[1] / "payloads" / "simulators"
TEXT = {"messaging_product": "whatsapp", "to": "+16505551234", "type": "text", "text": {"body": "Hello"}}
BUTTON = {"type": "reply", "reply": {"id": "1", "title": "Yes"}}


def interactive(**content):
    return {**TEXT, "type": "interactive", "interactive": {"type": "button", **content}}


@pytest.fixture
def post(session, meta_process, meta_controls):
    async def post(body, account="106540352242922", key="any"):
        url = f"{meta_process.url}/v22.0/{account}/messages"
        async with session.post(url, json=body, headers={"Authorization": f"Bearer {key}"}) as answer:
            return answer.status, await answer.json()

    return post


@pytest.mark.parametrize(
    "body",
    [
        TEXT,
        {**TEXT, "text": {"body": "x" * 4096}},
        {**TEXT, "context": {"message_id": "wamid.1"}, "biz_opaque_callback_data": "msg_1"},
        {**TEXT, "type": "template", "template": {"name": "hello", "language": {"code": "en"}}},
        {**TEXT, "type": "image", "image": {"id": "1", "caption": "Look"}},
        {**TEXT, "type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": ""}},
        {**TEXT, "type": "contacts", "contacts": [{"name": {"formatted_name": "Shop"}}]},
        interactive(body={"text": "Sure?"}, action={"buttons": [BUTTON] * 3}),
    ],
)
async def test_a_whatsapp_message_is_accepted_with_an_id(post, body):
    status, answer = await post(body)

    assert status == 200
    assert answer["messaging_product"] == "whatsapp"
    assert answer["contacts"] == [{"input": "+16505551234", "wa_id": "16505551234"}]
    assert answer["messages"][0]["id"].startswith("wamid.")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**TEXT, "text": {"body": "x" * 4097}}, "at most 4096 characters"),
        ({**TEXT, "text": {"body": ""}}, "text['body']"),
        ({**TEXT, "text": "Hello"}, "parameter text"),
        ({**TEXT, "to": ""}, "parameter to"),
        ({**TEXT, "to": "me"}, "telephone number"),
        ({**TEXT, "type": "telegram"}, "type"),
        ({**TEXT, "biz_opaque_callback_data": "x" * 513}, "biz_opaque_callback_data"),
        ({**TEXT, "type": "template", "template": {"name": "hello"}}, "language"),
        ({**TEXT, "type": "image", "image": {}}, "image['id']"),
        (interactive(body={"text": "x" * 1025}), "1024"),
        (interactive(body={"text": "?"}, action={"buttons": [BUTTON] * 4}), "at most 3"),
        (interactive(body={"text": "?"}, action={"sections": [{"rows": [{}] * 11}]}), "at most 10"),
        ({"to": "+16505551234", "text": {"body": "Hello"}}, "messaging_product"),
        ({"recipient": {"id": "7"}, "message": {"text": "é" * 501}}, "less than or equal to 1000"),
        ({"recipient": {"id": "7"}, "message": {}}, "message['text']"),
        ({"recipient": {}, "message": {"text": "Hi"}}, "recipient"),
        ({"recipient": {"id": "7"}, "message": {"text": "Hi"}, "reply_to": "mid.1"}, "reply_to['mid']"),
    ],
)
async def test_a_shape_that_meta_refuses_is_error_100(post, meta_controls, body, words):
    status, answer = await post(body)

    assert (status, answer["error"]["code"]) == (400, 100)
    assert words in answer["error"]["message"]
    (record,) = await meta_controls.records("message")
    assert (record["accepted"], record["outcome"]) == (False, "invalid")


async def test_a_number_without_its_plus_goes_to_a_stranger(post):
    _, answer = await post({**TEXT, "to": "4915112345678"})

    assert answer["contacts"] == [{"input": "4915112345678", "wa_id": "14915112345678"}]


async def test_a_customer_with_a_user_name_is_reached_by_user_id(post):
    user_id = "US.13491208655302741918"

    _, answer = await post({"messaging_product": "whatsapp", "recipient": user_id, "text": {"body": "Hello"}})

    assert answer["contacts"] == [{"input": user_id, "user_id": user_id}]


async def test_an_instagram_message_is_accepted_with_an_id(post):
    body = {"recipient": {"id": "7"}, "message": {"text": "é" * 500}}

    status, answer = await post(body, account="17841400000000000")

    assert status == 200
    assert answer["recipient_id"] == "7"
    assert answer["message_id"]


async def test_read_marks_and_typing_are_acknowledged(post, meta_controls):
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"}

    assert await post(read) == (200, {"success": True})
    assert await post({**read, "typing_indicator": {"type": "text"}}) == (200, {"success": True})
    action = {"recipient": {"id": "7"}, "sender_action": "typing_on"}
    assert await post(action) == (200, {"recipient_id": "7"})

    assert len(await meta_controls.records("read")) == 1
    assert len(await meta_controls.records("typing", count=2)) == 2


async def test_without_a_token_the_error_is_190_as_in_the_official_example(post):
    official = json.loads((PAYLOADS / "graph_errors" / "whatsapp_190_463.json").read_text())["error"]

    status, answer = await post(TEXT, key="")

    assert status == 401
    assert {name: answer["error"][name] for name in ("code", "error_subcode", "type", "message")} == {
        name: official[name] for name in ("code", "error_subcode", "type", "message")
    }


async def test_a_body_that_is_not_json_is_error_100(session, meta_process, meta_controls):
    url = f"{meta_process.url}/v22.0/1/messages"
    async with session.post(url, data=b"{", headers={"Authorization": "Bearer any"}) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (400, 100)


async def test_the_journal_tells_what_was_sent_to_whom(post, meta_controls):
    _, answer = await post({**TEXT, "biz_opaque_callback_data": "msg_7", "context": {"message_id": "wamid.1"}})

    (record,) = await meta_controls.records("message", contains="msg_7")

    assert record["platform_message_id"] == answer["messages"][0]["id"]
    expected = {
        "accepted": True,
        "outcome": "accepted",
        "channel": "whatsapp",
        "phone_number_id": "106540352242922",
        "to": "+16505551234",
        "customer_id": "16505551234",
        "type": "text",
        "text": "Hello",
        "callback_data": "msg_7",
        "reply_to": "wamid.1",
    }
    assert expected.items() <= record.items()


async def test_media_are_uploaded_looked_up_fetched_and_deleted(session, meta_process, meta_controls):
    headers = {"Authorization": "Bearer any"}
    form = aiohttp.FormData({"messaging_product": "whatsapp", "type": "image/png"})
    file = io.BytesIO(b"\x89PNG" + bytes(2_000_000))
    form.add_field("file", file, filename="a.png", content_type="image/png")
    async with session.post(f"{meta_process.url}/v22.0/1/media", data=form, headers=headers) as answer:
        media_id = (await answer.json())["id"]

    url = f"{meta_process.url}/v22.0/{media_id}"
    async with session.get(url, params={"phone_number_id": "1"}, headers=headers) as answer:
        described = await answer.json()
    async with session.get(described["url"], headers=headers) as answer:
        content, content_type = await answer.read(), answer.content_type
    async with session.get(described["url"]) as answer:
        assert answer.status == 401
    async with session.delete(url, headers=headers) as answer:
        assert await answer.json() == {"success": True}
    async with session.get(url, headers=headers) as answer:
        error = (await answer.json())["error"]

    assert (content[:4], content_type) == (b"\x89PNG", "image/png")
    assert described["file_size"] == len(content) == 2_000_004
    assert described["sha256"] == hashlib.sha256(content).hexdigest()
    assert (error["code"], error["error_subcode"]) == (100, 33)


async def test_a_customers_file_is_put_there_by_a_control_call(session, meta_process, meta_controls):
    new = {"mime_type": "audio/ogg", "base64": "T2dnUw=="}
    media_id = (await meta_controls.call("POST", "media", new))["id"]

    headers = {"Authorization": "Bearer any"}
    async with session.get(f"{meta_process.url}/v22.0/{media_id}", headers=headers) as answer:
        described = await answer.json()
    async with session.get(described["url"], headers=headers) as answer:
        assert await answer.read() == b"OggS"


async def test_an_instagram_token_is_refreshed(session, meta_process, meta_controls):
    query = {"grant_type": "ig_refresh_token", "access_token": "old"}

    async with session.get(f"{meta_process.url}/refresh_access_token", params=query) as answer:
        fresh = await answer.json()

    assert fresh["access_token"] != "old"
    assert (fresh["token_type"], fresh["expires_in"]) == ("bearer", 5_184_000)


async def test_how_long_a_refreshed_token_lasts_can_be_told(session, meta_process, meta_controls):
    await meta_controls.knobs(token_days=1.5)
    query = {"grant_type": "ig_refresh_token", "access_token": "old"}

    async with session.get(f"{meta_process.url}/refresh_access_token", params=query) as answer:
        assert (await answer.json())["expires_in"] == 129_600
