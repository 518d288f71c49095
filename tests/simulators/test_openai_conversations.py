"""Conversations: what is appended, what is locked, what a dead call leaves behind."""

import asyncio

import openai
import pytest

LOCKED = {
    "message": "Another process is currently operating on this conversation. Please retry in a few seconds.",
    "type": "invalid_request_error",
    "param": "conversation",
    "code": "conversation_locked",
}


async def items_of(client, conversation_id, **query):
    return [item async for item in client.conversations.items.list(conversation_id, order="asc", **query)]


@pytest.fixture
async def conversation(client):
    return (await client.conversations.create()).id


async def test_input_and_output_are_appended_in_order_after_the_response(client, conversation):
    response = await client.responses.create(model="m", input="Do you ship?", conversation=conversation)

    items = await items_of(client, conversation)
    assert [item.type for item in items] == ["message", "reasoning", "message"]
    assert items[0].content[0].text == "Do you ship?"
    assert [item.id for item in items[1:]] == [item.id for item in response.output]
    assert items[2].phase == "final_answer"


async def test_an_answer_quotes_the_question_and_names_its_instructions(client):
    response = await client.responses.create(
        model="m", input="Do you ship to Córdoba?", instructions="You are Ana. Be kind."
    )

    assert "Do you ship to Córdoba?" in response.output_text
    assert "You are Ana" in response.output_text


async def test_the_context_is_counted_into_the_usage(client, conversation):
    first = await client.responses.create(model="m", input="Hello", conversation=conversation)
    second = await client.responses.create(model="m", input="Hello", conversation=conversation)

    assert second.usage.input_tokens > first.usage.input_tokens + first.usage.output_tokens / 2


async def test_a_conversation_that_is_worked_on_is_locked(client, openai_controls, conversation):
    await openai_controls.knobs(latency_ms=400)
    first = asyncio.create_task(client.responses.create(model="m", input="1", conversation=conversation))
    await asyncio.sleep(0.15)

    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(model="m", input="2", conversation=conversation)
    with pytest.raises(openai.BadRequestError):
        await client.conversations.items.create(conversation, items=[{"role": "user", "content": "3"}])

    assert refused.value.body == LOCKED
    assert (await first).status == "completed"
    assert (await client.responses.create(model="m", input="4", conversation=conversation)).output_text


async def test_of_simultaneous_calls_in_a_conversation_one_is_answered(client, openai_controls, conversation):
    await openai_controls.knobs(latency_ms=500)
    calls = [client.responses.create(model="m", input=str(n), conversation=conversation) for n in range(8)]

    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    refused = [outcome.code for outcome in outcomes if isinstance(outcome, openai.BadRequestError)]
    assert refused == ["conversation_locked"] * 7
    assert len(await items_of(client, conversation)) == 3


async def test_the_work_goes_on_when_the_client_leaves(client, openai_controls, conversation):
    await openai_controls.script({"then": {"delay_ms": 500, "answer": "Late, but here."}, "times": 1})
    with pytest.raises(openai.APITimeoutError):
        await client.responses.create(model="m", input="Hello?", conversation=conversation, timeout=0.2)

    with pytest.raises(openai.BadRequestError, match="Another process"):
        await client.responses.create(model="m", input="Hello??", conversation=conversation)
    await openai_controls.records("response", contains="answered")

    items = await items_of(client, conversation)
    assert items[-1].content[0].text == "Late, but here."


async def test_the_work_of_a_stream_goes_on_when_the_client_leaves(client, openai_controls, conversation):
    await openai_controls.script({"then": {"delay_ms": 300, "answer": "Late."}, "times": 1})
    stream = await client.responses.create(model="m", input="Hello?", conversation=conversation, stream=True)
    created = await anext(aiter(stream))
    await stream.close()

    await openai_controls.records("response", contains="answered")

    recovered = await client.responses.retrieve(created.response.id)
    assert recovered.output_text == "Late."
    assert len(await items_of(client, conversation)) == 3


async def test_an_unknown_conversation_is_not_found(client):
    with pytest.raises(openai.NotFoundError, match="Conversation with id 'conv_1' not found"):
        await client.responses.create(model="m", input="Hi", conversation="conv_1")
    with pytest.raises(openai.NotFoundError):
        await client.conversations.retrieve("conv_1")


async def test_a_deleted_conversation_is_not_found(client, conversation):
    await client.conversations.delete(conversation)

    with pytest.raises(openai.NotFoundError):
        await client.responses.create(model="m", input="Hi", conversation=conversation)


async def test_a_conversation_keeps_its_metadata(client):
    created = await client.conversations.create(metadata={"customer": "7"})

    await client.conversations.update(created.id, metadata={"customer": "8"})

    assert (await client.conversations.retrieve(created.id)).metadata == {"customer": "8"}


async def test_items_are_listed_in_pages_newest_first(client, conversation):
    new = [{"role": "user", "content": str(number)} for number in range(20)]
    await client.conversations.items.create(conversation, items=new)
    await client.conversations.items.create(conversation, items=new[:5])

    first = await client.conversations.items.list(conversation)
    second = await client.conversations.items.list(conversation, after=first.last_id)

    assert (len(first.data), first.has_more) == (20, True)
    assert (len(second.data), second.has_more) == (5, False)
    assert first.data[0].content[0].text == "4"
    assert second.data[-1].content[0].text == "0"
    assert len(await items_of(client, conversation, limit=7)) == 25


async def test_more_than_twenty_items_are_refused(client, conversation):
    new = [{"role": "user", "content": "Hi"}] * 21

    with pytest.raises(openai.BadRequestError, match="at most 20"):
        await client.conversations.items.create(conversation, items=new)


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"order": "random"}])
async def test_a_page_that_does_not_exist_is_refused(client, conversation, query):
    with pytest.raises(openai.BadRequestError):
        await client.conversations.items.list(conversation, **query)


async def test_an_unanswered_function_call_bricks_the_conversation_until_it_is_answered(
    client, openai_controls, conversation
):
    call = {"name": "look_up", "call_id": "call_7"}
    await openai_controls.script({"match": "price", "then": {"function_call": call}, "times": 1})
    response = await client.responses.create(model="m", input="The price?", conversation=conversation)
    assert response.output[-1].call_id == "call_7"

    for _ in range(2):
        with pytest.raises(openai.BadRequestError, match="No tool output found for function call call_7"):
            await client.responses.create(model="m", input="Hello?", conversation=conversation)
    output = {"type": "function_call_output", "call_id": "call_7", "output": "cancelled"}
    await client.conversations.items.create(conversation, items=[output])

    assert (await client.responses.create(model="m", input="Hello?", conversation=conversation)).output_text


async def test_a_function_call_may_be_answered_in_the_next_input(client, openai_controls, conversation):
    call = {"name": "look_up", "call_id": "call_7"}
    await openai_controls.script({"match": "price", "then": {"function_call": call}, "times": 1})
    await client.responses.create(model="m", input="The price?", conversation=conversation)

    output = {"type": "function_call_output", "call_id": "call_7", "output": "7"}
    await client.responses.create(model="m", input=[output], conversation=conversation)

    assert (await client.responses.create(model="m", input="Hello?", conversation=conversation)).output_text


async def test_deleting_the_orphan_and_its_reasoning_repairs_the_conversation(client, openai_controls, conversation):
    await openai_controls.script({"match": "price", "then": {"function_call": {"name": "f"}}, "times": 1})
    await client.responses.create(model="m", input="The price?", conversation=conversation)
    _, reasoning, orphan = await items_of(client, conversation)

    await client.conversations.items.delete(orphan.id, conversation_id=conversation)
    with pytest.raises(openai.BadRequestError, match="without its required following item"):
        await client.responses.create(model="m", input="Hello?", conversation=conversation)
    await client.conversations.items.delete(reasoning.id, conversation_id=conversation)

    assert (await client.responses.create(model="m", input="Hello?", conversation=conversation)).output_text


async def test_a_failed_call_appends_nothing(client, openai_controls, conversation):
    await openai_controls.script({"then": {"failed": "server_error"}})

    response = await client.responses.create(model="m", input="Hi", conversation=conversation)

    assert (response.status, response.error.code) == ("failed", "server_error")
    assert await items_of(client, conversation) == []


async def test_a_cancelled_response_frees_its_conversation_and_appends_nothing(client, openai_controls, conversation):
    await openai_controls.knobs(latency_ms=5000)
    response = await client.responses.create(model="m", input="Hi", conversation=conversation, background=True)

    await client.responses.cancel(response.id)
    await openai_controls.knobs(latency_ms=0)

    assert await items_of(client, conversation) == []
    assert (await client.responses.create(model="m", input="Hi", conversation=conversation)).output_text
