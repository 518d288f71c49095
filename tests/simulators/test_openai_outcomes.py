"""What the script can make of a call, as the SDK sees it."""

import asyncio
import json
import time

import openai
import pytest


@pytest.fixture
async def conversation(client):
    return (await client.conversations.create()).id


async def collect(stream, seen):
    async for event in stream:
        seen.append(event)


@pytest.fixture
def ask(client):
    async def ask(question="How much?", **more):
        return await client.responses.create(model="m", input=question, **more)

    return ask


async def test_rules_fit_by_text_in_the_order_they_were_written_as_often_as_they_say(ask, openai_controls):
    await openai_controls.script(
        {"match": "price", "then": {"answer": "first"}, "times": 1},
        {"match": "price", "then": {"answer": "later"}},
    )

    answers = [(await ask(text)).output_text for text in ("the price?", "price", "price")]

    assert answers == ["first", "later", "later"]
    assert "hours" in (await ask("Your hours?")).output_text
    assert [rule["then"] for rule in (await openai_controls.call("GET", "script"))["rules"]] == [{"answer": "later"}]


async def test_a_rule_can_be_meant_for_structured_output_alone(ask, openai_controls):
    await openai_controls.script({"kind": "structured", "then": {"answer": '{"name": "Ana"}'}})
    wanted = {"format": {"type": "json_schema", "name": "lead", "schema": {"type": "object"}}}

    assert (await ask("I am Ana", text=wanted)).output_text == '{"name": "Ana"}'
    assert "I am Ana" in (await ask("I am Ana")).output_text


async def test_commentary_comes_before_the_final_answer(ask, openai_controls):
    await openai_controls.script({"then": {"commentary": "Let me check. ", "answer": "It is 5."}})

    response = await ask()

    assert response.output_text == "Let me check. It is 5."
    assert [getattr(item, "phase", item.type) for item in response.output] == [
        "reasoning",
        "commentary",
        "final_answer",
    ]


async def test_refusal_incomplete_empty_and_failure_arrive_with_200(ask, openai_controls):
    await openai_controls.script(
        {"then": {"refusal": "No."}, "times": 1},
        {"then": {"incomplete": "max_output_tokens"}, "times": 1},
        {"then": {"incomplete": "content_filter", "answer": "It i"}, "times": 1},
        {"then": {"empty": True}, "times": 1},
        {"then": {"failed": "rate_limit_exceeded"}, "times": 1},
    )

    refusal, all_reasoning, filtered, empty, failed = [await ask() for _ in range(5)]

    assert refusal.output[-1].content[0].refusal == "No."
    assert (all_reasoning.status, all_reasoning.output_text) == ("incomplete", "")
    assert (filtered.incomplete_details.reason, filtered.output_text) == ("content_filter", "It i")
    assert (empty.status, empty.output_text) == ("completed", "")
    assert (failed.status, failed.error.code) == ("failed", "rate_limit_exceeded")


@pytest.mark.parametrize(
    ("error", "exception"),
    [
        ({"http_status": 429, "code": "insufficient_quota"}, openai.RateLimitError),
        ({"http_status": 429, "code": "rate_limit_exceeded", "retry_after": 1}, openai.RateLimitError),
        ({"http_status": 429, "retry_after": 121}, openai.RateLimitError),
        ({"http_status": 500, "should_retry": False}, openai.InternalServerError),
        ({"http_status": 400, "code": "context_length_exceeded", "param": "input"}, openai.BadRequestError),
        ({"http_status": 408}, openai.APIStatusError),
        ({"http_status": 409}, openai.ConflictError),
        ({"http_status": 401, "code": "invalid_api_key"}, openai.AuthenticationError),
    ],
)
async def test_an_error_arrives_as_it_was_written(ask, openai_controls, error, exception):
    await openai_controls.script({"then": {"error": error}, "times": 1})

    with pytest.raises(exception) as raised:
        await ask()

    headers = raised.value.response.headers
    assert raised.value.status_code == error["http_status"]
    assert (raised.value.code, raised.value.param) == (error.get("code"), error.get("param"))
    assert headers.get("Retry-After") == (str(error["retry_after"]) if "retry_after" in error else None)
    assert headers.get("x-should-retry") == ("false" if "should_retry" in error else None)
    assert raised.value.request_id


async def test_the_sdks_own_retries_show_in_the_journal(client, openai_controls):
    await openai_controls.script({"then": {"error": {"http_status": 500}}, "times": 1})

    await client.with_options(max_retries=1).responses.create(
        model="m", input="Hi", extra_headers={"X-Client-Request-Id": "turn-7"}
    )

    refused, answered = await openai_controls.records("response", count=2)
    assert (refused["outcome"], refused["status"]) == ("error", 500)
    assert (answered["outcome"], answered["attempt"]) == ("answered", "1")
    assert {refused["client_request_id"], answered["client_request_id"]} == {"turn-7"}


async def test_a_hanging_call_is_never_answered_and_does_no_work(ask, client, openai_controls, conversation):
    await openai_controls.script({"then": {"hang": True}, "times": 1})

    with pytest.raises(openai.APITimeoutError):
        await ask(conversation=conversation, timeout=0.3)

    (record,) = await openai_controls.records("response")
    assert (record["outcome"], record["accepted"]) == ("hang", False)
    assert (await client.conversations.items.list(conversation)).data == []
    assert (await ask(conversation=conversation)).output_text


async def test_a_lost_answer_was_worked_out_and_appended(ask, client, openai_controls, conversation):
    await openai_controls.script({"then": {"accept_and_lose": True, "answer": "Gone."}, "times": 1})

    with pytest.raises(openai.APIConnectionError) as raised:
        await ask(conversation=conversation)

    assert not isinstance(raised.value, openai.APITimeoutError)
    (record,) = await openai_controls.records("response")
    assert (record["outcome"], record["accepted"]) == ("lost", True)
    items = await client.conversations.items.list(conversation)
    assert items.data[0].content[0].text == "Gone."


async def test_the_lost_answer_of_a_stream_can_be_fetched_by_the_id_that_came_first(ask, client, openai_controls):
    await openai_controls.script({"then": {"accept_and_lose": True, "answer": "Gone."}, "times": 1})
    seen = []

    with pytest.raises(openai.APIConnectionError):
        await collect(await ask(stream=True), seen)

    assert [event.type for event in seen] == ["response.created", "response.in_progress"]
    assert (await client.responses.retrieve(seen[0].response.id)).output_text == "Gone."


@pytest.mark.parametrize("events_allowed", [1, 2, 5])
async def test_a_stream_can_be_cut_midway_and_the_work_is_done_all_the_same(
    ask, client, openai_controls, events_allowed
):
    await openai_controls.script({"then": {"cut_after_events": events_allowed}, "times": 1})
    seen = []

    with pytest.raises(openai.APIConnectionError):
        await collect(await ask(stream=True), seen)

    assert len(seen) == events_allowed
    assert (await client.responses.retrieve(seen[0].response.id)).status == "completed"


async def test_a_body_can_be_broken_json(ask, openai_controls):
    await openai_controls.script({"then": {"broken_json": True}, "times": 1})

    with pytest.raises((json.JSONDecodeError, openai.APIResponseValidationError)):
        await ask()


async def test_the_last_event_of_a_stream_can_be_broken_json(ask, openai_controls):
    await openai_controls.script({"then": {"broken_json": True}, "times": 1})

    with pytest.raises(json.JSONDecodeError):
        [event async for event in await ask(stream=True)]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_can_drip(ask, openai_controls, stream):
    await openai_controls.script({"then": {"drip_ms": 30, "answer": "One two three."}, "times": 1})
    began = time.monotonic()

    answer = await ask(stream=stream)
    if stream:
        answer = [event async for event in answer][-1].response

    assert answer.output_text == "One two three."
    assert time.monotonic() - began > 0.25


async def test_a_delay_belongs_to_one_rule(ask, openai_controls):
    await openai_controls.script({"match": "slow", "then": {"delay_ms": 400}})

    slow = asyncio.create_task(ask("slow please"))
    await ask("quick please")

    assert not slow.done()
    await slow


async def test_a_rule_that_makes_no_sense_is_refused_with_its_place(session, openai_process, openai_controls):
    url = f"{openai_process.host_url}/_sim/script"

    async with session.post(url, json={"then": {"answr": "typo"}}) as answer:
        error = (await answer.json())["error"]

    assert answer.status == 400
    assert "answr" in error["message"]
