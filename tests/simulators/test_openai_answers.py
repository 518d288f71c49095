"""Every kind of answer is what OpenAI's own description says it is."""

import json

import pytest

from tests.simulators.description import assert_fits, event_schema_names

FUNCTION = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}}
TWO_HISTORIES = {"model": "m", "input": "Hi", "conversation": "conv_1", "previous_response_id": "resp_1"}
OUTCOMES = {
    "an ordinary answer": {},
    "a scripted answer": {"answer": "Yes, we do."},
    "commentary before the answer": {"commentary": "Let me check.", "answer": "It is 5."},
    "a refusal": {"refusal": "I cannot help with that."},
    "an answer cut short by its length": {"incomplete": "max_output_tokens", "answer": "It is"},
    "an answer that was all reasoning": {"incomplete": "max_output_tokens"},
    "an answer stopped by the filter": {"incomplete": "content_filter"},
    "a failure": {"failed": "server_error"},
    "an empty answer": {"empty": True},
    "a function call": {"function_call": {"name": "look_up", "arguments": '{"id": 7}'}},
    "a cancelled response": {"response_status": "cancelled"},
    "a queued response": {"response_status": "queued"},
    "a response in progress": {"response_status": "in_progress"},
}


@pytest.fixture
def call(session, openai_process, openai_controls):
    """Raw calls: the SDK would hide what does not fit."""

    async def call(method, path, body=None, *, status=200, **query):
        url, headers = f"{openai_process.url}/{path}", {"Authorization": "Bearer any"}
        async with session.request(method, url, json=body, headers=headers, params=query) as answer:
            value = await answer.json()
            assert answer.status == status, value
            assert answer.headers["x-request-id"].startswith("req_")
            return value

    return call


@pytest.fixture
def stream(session, openai_process, openai_controls):
    async def stream(**body):
        headers = {"Authorization": "Bearer any"}
        url = f"{openai_process.url}/responses"
        async with session.post(url, json={**body, "stream": True}, headers=headers) as answer:
            assert answer.content_type == "text/event-stream"
            text = await answer.text()
        frames = [frame.split("\n") for frame in text.strip().split("\n\n")]
        events = [json.loads(data.removeprefix("data: ")) for _, data in frames]
        assert [name.removeprefix("event: ") for name, _ in frames] == [event["type"] for event in events]
        return events

    return stream


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES.keys())
async def test_a_response_fits_the_description(call, openai_controls, outcome):
    await openai_controls.script({"then": outcome})
    conversation = await call("POST", "conversations", {})

    response = await call(
        "POST",
        "responses",
        {
            "model": "gpt-anything",
            "instructions": "You are Ana.",
            "conversation": conversation["id"],
            "input": [{"role": "user", "content": "How much?"}],
            "metadata": {"turn": "1"},
            "tools": [FUNCTION],
            "safety_identifier": "customer-1",
            "max_output_tokens": 500,
        },
    )

    assert_fits(response, "Response")
    assert_fits(await call("GET", f"responses/{response['id']}"), "Response")
    assert "user" not in response
    assert response.get("usage", "absent") is not None


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES.keys())
async def test_every_event_of_a_stream_fits_the_description(stream, openai_controls, outcome):
    await openai_controls.script({"then": outcome})

    events = await stream(model="gpt-anything", input="How much?")

    schemas = event_schema_names()
    for event in events:
        assert_fits(event, schemas[event["type"]])
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


async def test_a_bare_error_event_fits_the_description(stream, openai_controls):
    await openai_controls.script({"then": {"stream_error": "server_error"}})

    events = await stream(model="m", input="How much?")

    assert [event["type"] for event in events] == ["response.created", "response.in_progress", "error"]
    assert_fits(events[-1], "ResponseErrorEvent")


async def test_a_stream_in_the_background_begins_with_queued(stream):
    events = await stream(model="m", input="How much?", background=True)

    assert events[1]["type"] == "response.queued"
    assert_fits(events[1], "ResponseQueuedEvent")


async def test_the_events_of_a_text_come_in_the_order_of_the_original(stream):
    events = await stream(model="m", input="How much?")

    types = list(dict.fromkeys(event["type"] for event in events))
    assert types == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.completed",
    ]
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert text == events[-1]["response"]["output"][-1]["content"][0]["text"]


async def test_background_cancel_and_deletion_fit_the_description(call, openai_controls):
    await openai_controls.knobs(latency_ms=5000)

    response = await call("POST", "responses", {"model": "m", "input": "Hi", "background": True})
    running = await call("GET", f"responses/{response['id']}")
    cancelled = await call("POST", f"responses/{response['id']}/cancel")
    again = await call("POST", f"responses/{response['id']}/cancel")
    deleted = await call("DELETE", f"responses/{response['id']}")

    for answer in (response, running, cancelled, again):
        assert_fits(answer, "Response")
    states = [answer["status"] for answer in (response, running, cancelled, again)]
    assert states == ["queued", "in_progress", "cancelled", "cancelled"]
    assert deleted == {"id": response["id"], "object": "response", "deleted": True}
    missing = await call("GET", f"responses/{response['id']}", status=404)
    assert_fits(missing, "ErrorResponse")


async def test_the_input_of_a_response_fits_the_description(call):
    response = await call(
        "POST",
        "responses",
        {
            "model": "m",
            "input": [
                {"role": "developer", "content": "Be brief."},
                {"role": "assistant", "content": "How can I help?"},
                {"role": "user", "content": [{"type": "input_text", "text": "How much?"}]},
                {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "call_1", "output": "7"},
            ],
        },
    )

    items = await call("GET", f"responses/{response['id']}/input_items", order="asc")

    assert_fits(items, "ResponseItemList")
    assert [item["type"] for item in items["data"]] == ["message"] * 3 + [
        "function_call",
        "function_call_output",
    ]


async def test_every_answer_about_conversations_fits_the_description(call):
    conversation = await call("POST", "conversations", {"metadata": {"customer": "7"}})
    path = f"conversations/{conversation['id']}"
    new = [
        {"role": "user", "content": "Hello"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
        {"role": "user", "content": [{"type": "input_image", "image_url": "https://example.com/1.png"}]},
        {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "cancelled"},
    ]
    added = await call("POST", f"{path}/items", {"items": new})
    await call("POST", "responses", {"model": "m", "input": "Hello", "conversation": conversation["id"]})

    assert_fits(conversation, "ConversationResource")
    assert_fits(await call("GET", path), "ConversationResource")
    assert_fits(await call("POST", path, {"metadata": {"customer": "8"}}), "ConversationResource")
    assert_fits(added, "ConversationItemList")
    listed = await call("GET", f"{path}/items", limit="100")
    assert_fits(listed, "ConversationItemList")
    for item in listed["data"]:
        assert_fits(await call("GET", f"{path}/items/{item['id']}"), "ConversationItem")
    remaining = await call("DELETE", f"{path}/items/{added['data'][0]['id']}")
    assert_fits(remaining, "ConversationResource")
    assert_fits(await call("DELETE", path), "DeletedConversationResource")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "Hi"}, "model"),
        ({"model": "m", "input": 7}, "input"),
        ({"model": "m", "input": [{"role": "nobody", "content": "Hi"}]}, "input"),
        (TWO_HISTORIES, "previous_response_id"),
        ({"model": "m", "input": "Hi", "previous_response_id": "resp_unknown"}, "previous_response_id"),
        ({"input": "Hi", "prompt": {"id": "pmpt_1", "version": 3}}, "prompt.version"),
        ({"input": "Hi", "prompt": {"prompt_id": "pmpt_1"}}, "prompt"),
        ({"model": "m", "input": "Hi", "background": True, "store": False}, "background"),
    ],
)
async def test_a_faulty_request_is_refused_with_the_parameter_that_is_at_fault(call, body, param):
    error = await call("POST", "responses", body, status=400)

    assert_fits(error, "ErrorResponse")
    assert error["error"]["param"] == param


async def test_a_schema_is_answered_with_an_instance_of_it(client):
    schema = {
        "type": "object",
        "properties": {
            "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "interest": {"type": "string", "enum": ["rent", "buy"]},
            "rooms": {"type": "integer", "minimum": 1},
            "wishes": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "address": {"$ref": "#/$defs/address"},
        },
        "required": ["name", "interest", "rooms", "wishes", "address"],
        "additionalProperties": False,
        "$defs": {"address": {"type": "object", "properties": {"city": {"type": ["string", "null"]}}}},
    }

    response = await client.responses.create(
        model="m",
        input="I look for a flat",
        text={"format": {"type": "json_schema", "name": "lead", "schema": schema, "strict": True}},
    )

    assert json.loads(response.output_text) == {
        "name": None,
        "interest": "rent",
        "rooms": 1,
        "wishes": [""],
        "address": {"city": None},
    }
    assert_fits(response.model_dump(mode="json", exclude_unset=True, by_alias=True), "Response")


async def test_the_models_are_listed(client):
    models = [model.id async for model in client.models.list()]

    assert models
