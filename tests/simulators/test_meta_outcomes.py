"""What the script and the knobs can make of a send."""

import asyncio
import json
import time
from pathlib import Path

import aiohttp
import pytest

EXAMPLES = Path(__file__).parents[1] / "payloads" / "simulators" / "graph_errors"
FAILURES = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


@pytest.fixture
def send(session, meta_process, meta_controls):
    async def send(to="+16505551234", text="Hello"):
        body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": text}}
        url = f"{meta_process.url}/v22.0/1/messages"
        async with session.post(url, json=body, headers={"Authorization": "Bearer any"}) as answer:
            return answer.status, answer.headers, await answer.read()

    return send


@pytest.mark.parametrize("name", ["whatsapp_2_1349174", "whatsapp_130429_2494055"])
async def test_an_error_arrives_as_the_official_example_shows_it(send, meta_controls, name):
    official = json.loads((EXAMPLES / f"{name}.json").read_text())["error"]
    error = {
        "http_status": 429,
        "code": official["code"],
        "subcode": official["error_subcode"],
        "message": official["message"],
        "type": official["type"],
        "retry_after": 3,
    }
    if "is_transient" in official:
        error["is_transient"] = official["is_transient"]
    if "error_data" in official:
        error["details"] = official["error_data"]["details"]
    await meta_controls.script({"then": {"error": error}, "times": 1})

    status, headers, body = await send()

    ours = json.loads(body)["error"]
    told_only_by_meta = {"error_user_title", "error_user_msg", "fbtrace_id"}
    expected = {key: value for key, value in official.items() if key not in told_only_by_meta}
    assert (status, headers["Retry-After"]) == (429, "3")
    assert expected.items() <= ours.items()
    assert ours["fbtrace_id"]
    (record,) = await meta_controls.records("message")
    assert (record["accepted"], record["outcome"], record["code"]) == (False, "error", official["code"])


async def test_a_rule_fits_by_recipient_or_text_as_often_as_it_says(send, meta_controls):
    error = {"error": {"http_status": 400, "code": 131026}}
    await meta_controls.script(
        {"match": "+49151", "then": error, "times": 2}, {"match": "forbidden", "then": error, "times": 1}
    )

    statuses = [(await send("+4915112345678"))[0] for _ in range(3)]

    assert statuses == [400, 400, 200]
    assert (await send(text="Hello"))[0] == 200
    assert (await send(text="a forbidden word"))[0] == 400


async def test_an_accepted_send_can_lose_its_answer(send, callback, meta_controls):
    await meta_controls.script({"then": {"accept_and_lose": True}, "times": 1})

    with pytest.raises(FAILURES):
        await send()

    (record,) = await meta_controls.records("message")
    assert (record["accepted"], record["outcome"]) == (True, "lost")
    statuses = [delivery.status for delivery in await callback.next(3)]
    assert {status["id"] for status in statuses} == {record["platform_message_id"]}


async def test_a_hanging_send_is_not_accepted(send, meta_controls):
    await meta_controls.script({"then": {"hang": True}, "times": 1})

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(send(), 0.3)

    (record,) = await meta_controls.records("message")
    assert (record["accepted"], record["outcome"]) == (False, "hang")


async def test_an_answer_can_be_unparsable_though_the_send_was_accepted(send, meta_controls):
    await meta_controls.script({"then": {"unparsable": True}, "times": 1})

    status, _, body = await send()

    assert status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    (record,) = await meta_controls.records("message")
    assert record["accepted"] is True


async def test_a_rule_can_be_meant_for_read_marks_alone(session, meta_process, send, meta_controls):
    await meta_controls.script({"kind": "read", "then": {"error": {"http_status": 400, "code": 131009}}})
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"}
    url = f"{meta_process.url}/v22.0/1/messages"

    async with session.post(url, json=read, headers={"Authorization": "Bearer any"}) as answer:
        assert (await answer.json())["error"]["code"] == 131009
    assert (await send())[0] == 200


async def test_latency_delays_the_answer(send, meta_controls):
    await meta_controls.knobs(latency_ms=200, latency_spread_ms=50)
    began = time.monotonic()

    await send()

    assert time.monotonic() - began >= 0.15


async def test_errors_and_lost_answers_come_at_the_given_rates(send, meta_controls):
    await meta_controls.knobs(
        error_rate={"rate": 0.4, "http_status": 500, "code": 131000}, lose_answer_rate=0.5, seed=5
    )
    outcomes = []
    for _ in range(30):
        try:
            outcomes.append((await send())[0])
        except FAILURES:
            outcomes.append("lost")

    assert set(outcomes) == {200, 500, "lost"}
    records = await meta_controls.records("message", count=30 - outcomes.count(500))
    assert all(record["accepted"] for record in records)
    assert [record["outcome"] for record in records].count("lost") == outcomes.count("lost")


async def test_in_an_outage_nothing_gets_through(send, meta_controls):
    await meta_controls.knobs(outage=True)
    with pytest.raises(FAILURES):
        await send()

    await meta_controls.knobs(outage_kind="unavailable")
    assert (await send())[0] == 503

    await meta_controls.knobs(outage=False)
    assert (await send())[0] == 200


async def test_outside_the_window_only_templates_arrive(session, meta_process, meta_controls):
    await meta_controls.knobs(window_closed_for=["16505551234", "7"])
    url = f"{meta_process.url}/v22.0/1/messages"
    whatsapp = {"messaging_product": "whatsapp", "to": "+16505551234"}
    template = {"type": "template", "template": {"name": "come_back", "language": {"code": "en"}}}
    text = {"type": "text", "text": {"body": "Hello"}}

    async def codes(body):
        async with session.post(url, json=body, headers={"Authorization": "Bearer any"}) as answer:
            error = (await answer.json()).get("error", {})
            return answer.status, error.get("code"), error.get("error_subcode")

    assert await codes(whatsapp | text) == (400, 131047, None)
    assert await codes(whatsapp | template) == (200, None, None)
    assert await codes(whatsapp | text | {"to": "+16505550000"}) == (200, None, None)
    assert await codes({"recipient": {"id": "7"}, "message": {"text": "Hello"}}) == (400, 10, 2534022)
    refused = [record for record in await meta_controls.records("message", count=4) if not record["accepted"]]
    assert [(record["outcome"], record["code"]) for record in refused] == [("error", 131047), ("error", 10)]
