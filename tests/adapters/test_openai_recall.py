"""What is found out afterwards about a call, and what is mended in a conversation."""

from collections.abc import AsyncIterator

import pytest

from adapters.llm.openai_model import OpenAIModel
from domain.answers import Answered, Forgotten, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.conversations import Said, UnansweredReason
from tests.adapters.test_openai_model import NOBODY, _a_model, _a_request, asked
from tests.builders import an_id
from tests.simulators.running import Controls

LOST = {"accept_and_lose": True, "answer": "Until six."}
SEED = (Said("customer", "Hello"), Said("agent", "Hi Kim."))


@pytest.fixture
async def model(openai_process, openai_controls) -> AsyncIterator[OpenAIModel]:
    async for model in _a_model(openai_process.url):
        yield model


@pytest.fixture
async def conversation(model: OpenAIModel) -> str:
    return (await model.open_conversation(an_id(), (), 5)).id


async def _loses(controls: Controls, answer: str = "Until six.") -> None:
    await controls.script({"then": LOST | {"answer": answer}, "times": 1})


async def test_an_answer_that_the_connection_lost_is_found(model, conversation, openai_controls) -> None:
    await _loses(openai_controls)
    request = _a_request(conversation)
    assert isinstance(await model.answer(request), Uncertain)

    found = await model.recall(request)

    assert isinstance(found, Answered)
    assert (found.text, found.response_id) == ("Until six.", None)
    assert found.last_item_id
    assert len(await openai_controls.records("response")) == 1


async def test_what_was_never_asked_was_not_heard(model, conversation) -> None:
    assert await model.recall(_a_request(conversation)) == NotHeard()
    await model.answer(_a_request(conversation, questions=asked("Something else")))
    assert await model.recall(_a_request(conversation)) == NotHeard()


async def test_the_same_words_said_again_are_another_question(model, conversation, openai_controls) -> None:
    first = await model.answer(_a_request(conversation, questions=asked("Hello")))
    again = _a_request(conversation, questions=asked("Hello"), last_item_id=first.last_item_id)
    assert await model.recall(again) == NotHeard()
    await _loses(openai_controls, "Hello again.")
    await model.answer(again)

    assert (await model.recall(again)).text == "Hello again."


async def test_a_refusal_that_the_connection_lost_is_found(model, conversation, openai_controls) -> None:
    await openai_controls.script({"then": {"accept_and_lose": True, "refusal": "No."}, "times": 1})
    await model.answer(_a_request(conversation))

    found = await model.recall(_a_request(conversation))

    assert isinstance(found, NotAnswered)
    assert found.reason is UnansweredReason.REFUSED


async def test_a_seeded_conversation_names_the_end_of_its_seed(model) -> None:
    opened = await model.open_conversation(an_id(), SEED, 5)

    request = _a_request(opened.id, questions=asked("Hello"), last_item_id=opened.last_item_id)
    assert opened.last_item_id
    assert await model.recall(request) == NotHeard()
    assert isinstance(await model.answer(request), Answered)


async def test_a_tool_call_that_was_left_open_is_closed_and_the_question_asked_again(
    model, conversation, openai_controls
) -> None:
    call = {"name": "look_up", "arguments": "{}", "call_id": "call_1"}
    await openai_controls.script({"then": {"function_call": call}, "times": 1})
    await model.answer(_a_request(conversation, questions=asked("Hello")))

    mended = await model.answer(_a_request(conversation))

    assert mended == TryAgain("A tool call that was left open was closed.", 0.0)
    assert isinstance(await model.answer(_a_request(conversation)), Answered)


async def test_a_conversation_that_is_gone_is_forgotten(model, openai_controls) -> None:
    assert isinstance(await model.answer(_a_request("conv_gone")), Forgotten)
    assert isinstance(await model.recall(_a_request("conv_gone")), Forgotten)


async def test_a_conversation_without_the_item_we_remember_is_not_the_one_we_know(model, conversation) -> None:
    assert isinstance(await model.recall(_a_request(conversation, last_item_id="msg_gone")), Forgotten)


@pytest.mark.parametrize(("status", "code"), [(429, "insufficient_quota"), (401, "invalid_api_key")])
async def test_without_quota_or_key_the_provider_is_out_for_everybody(
    model, conversation, openai_controls, status: int, code: str
) -> None:
    error = {"http_status": status, "code": code}
    await openai_controls.script({"then": {"error": error}, "times": 1})

    outcome = await model.answer(_a_request(conversation))

    assert isinstance(outcome, TryAgain)
    assert outcome.is_outage


async def test_a_provider_nobody_reaches_is_out_and_tells_nothing() -> None:
    async for model in _a_model(NOBODY):
        outcome = await model.recall(_a_request("conv_1"))
        assert isinstance(outcome, TryAgain)
        assert outcome.is_outage
