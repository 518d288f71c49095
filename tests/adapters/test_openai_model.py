import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from adapters.llm.openai_model import OpenAIModel, opened_client
from application.ports.briefings import Briefing
from application.ports.language_model import Asked, ModelConversation, ModelRequest
from domain.answers import Answered, NotAnswered, TryAgain, Uncertain
from domain.channels import ChannelType
from domain.conversations import UnansweredReason
from tests.adapters.provider import Provider
from tests.builders import a_voice, an_id
from tests.simulators.description import assert_fits
from tests.simulators.running import Controls

NOBODY = "http://127.0.0.1:1/v1"
REASON = UnansweredReason


def asked(*texts: str) -> tuple[Asked, ...]:
    return tuple(Asked(text) for text in texts)


def _a_request(model_conversation_id: str, **fields: Any) -> ModelRequest:
    briefing = Briefing("prm_1", 1, a_voice(), ChannelType.WHATSAPP, "42", "EAAG")
    defaults = {
        "briefing": briefing,
        "model_conversation_id": model_conversation_id,
        "turn_id": an_id(),
        "customer": "c" * 32,
        "questions": asked("Hello", "How much is a 🥐?"),
        "timeout_seconds": 5.0,
    }
    return ModelRequest(**defaults | fields)


async def _a_model(url: str) -> AsyncIterator[OpenAIModel]:
    async with opened_client("sk-test", url) as client:
        yield OpenAIModel(client)


@pytest.fixture
async def model(openai_process, openai_controls) -> AsyncIterator[OpenAIModel]:
    async for model in _a_model(openai_process.url):
        yield model


@pytest.fixture
async def model_of_provider(provider: Provider) -> AsyncIterator[OpenAIModel]:
    async for model in _a_model(provider.url):
        yield model


@pytest.fixture
async def conversation(model: OpenAIModel) -> str:
    opened = await model.open_conversation(an_id(), (), 5)
    assert isinstance(opened, ModelConversation)
    return opened.id


async def _posts(controls: Controls) -> int:
    records = (await controls.call("GET", "journal", limit=1_000))["records"]
    return sum(record["kind"] in {"response", "injected_error"} for record in records)


async def test_the_model_answers_what_it_was_asked(model, conversation, openai_controls) -> None:
    request = _a_request(conversation)

    outcome = await model.answer(request)

    assert isinstance(outcome, Answered)
    assert "How much is a 🥐?" in outcome.text
    assert outcome.usage.input_tokens > 0
    (record,) = await openai_controls.records("response")
    assert (record["conversation_id"], record["metadata"]) == (conversation, {"turn_id": str(request.turn_id)})
    assert record["response_id"] == outcome.response_id


async def test_a_call_bears_the_question_s_id_and_a_name_of_its_own(model, conversation, openai_controls) -> None:
    question_id = UUID(int=7)
    for _ in range(2):
        await model.answer(_a_request(conversation, question_id=question_id))

    records = await openai_controls.records("response")
    assert {record["metadata"]["message_id"] for record in records} == {str(question_id)}
    names = {record["client_request_id"] for record in records}
    assert len(names) == 2
    assert all(name.startswith(f"{question_id}.") for name in names)


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ({"answer": "Until six."}, "Until six."),
        ({"commentary": "Let me see.", "answer": "Until six."}, "Until six."),
        ({"drip_ms": 2, "answer": "Until six."}, "Until six."),
        ({"refusal": "No."}, REASON.REFUSED),
        ({"empty": True}, REASON.EMPTY),
        ({"incomplete": "max_output_tokens", "answer": "It i"}, REASON.INCOMPLETE),
        ({"incomplete": "content_filter"}, REASON.INCOMPLETE),
        ({"function_call": {"name": "look_up", "arguments": "{}", "call_id": "call_1"}}, REASON.TOOL_CALL),
        ({"response_status": "cancelled"}, REASON.MODEL_FAILED),
        ({"failed": "invalid_prompt"}, REASON.MODEL_FAILED),
        ({"failed": "server_error"}, TryAgain),
        ({"failed": "rate_limit_exceeded"}, TryAgain),
        ({"error": {"http_status": 400, "code": "context_length_exceeded"}}, REASON.MODEL_FAILED),
        ({"error": {"http_status": 401, "code": "invalid_api_key"}}, TryAgain),
        ({"error": {"http_status": 403}}, REASON.MODEL_FAILED),
        ({"error": {"http_status": 404}}, REASON.MODEL_FAILED),
        ({"error": {"http_status": 429, "code": "insufficient_quota"}}, TryAgain),
        ({"error": {"http_status": 400, "code": "conversation_locked"}}, TryAgain),
        ({"error": {"http_status": 409}}, TryAgain),
        ({"error": {"http_status": 429, "code": "rate_limit_exceeded"}}, TryAgain),
        ({"error": {"http_status": 429, "should_retry": True}}, TryAgain),
        ({"error": {"http_status": 408}}, Uncertain),
        ({"error": {"http_status": 500}}, Uncertain),
        ({"error": {"http_status": 503, "should_retry": True}}, Uncertain),
        ({"accept_and_lose": True}, Uncertain),
        ({"broken_json": True}, Uncertain),
    ],
    ids=str,
)
async def test_every_ending_has_its_outcome_and_was_one_call(
    model, conversation, openai_controls, then, expected
) -> None:
    await openai_controls.script({"then": then, "times": 1})

    outcome = await model.answer(_a_request(conversation))

    if isinstance(expected, str) and not isinstance(expected, UnansweredReason):
        assert isinstance(outcome, Answered)
        assert outcome.text == expected
    elif isinstance(expected, UnansweredReason):
        assert isinstance(outcome, NotAnswered)
        assert outcome.reason is expected
    else:
        assert isinstance(outcome, expected)
    assert await _posts(openai_controls) == 1


@pytest.mark.parametrize(("asked", "told"), [(3, 3.0), (121, 120.0), (100_000, 120.0)])
async def test_how_long_the_provider_asks_to_wait_is_handed_on(
    model, conversation, openai_controls, asked, told
) -> None:
    error = {"http_status": 429, "code": "rate_limit_exceeded", "retry_after": asked}
    await openai_controls.script({"then": {"error": error}, "times": 1})

    outcome = await model.answer(_a_request(conversation))

    assert isinstance(outcome, TryAgain)
    assert outcome.after_seconds == told


async def test_a_call_ends_with_its_time_and_nobody_knows(model, conversation, openai_controls) -> None:
    await openai_controls.script({"then": {"hang": True}, "times": 1})

    outcome = await model.answer(_a_request(conversation, timeout_seconds=0.2))

    assert isinstance(outcome, Uncertain)
    assert await _posts(openai_controls) == 1


@pytest.mark.parametrize(("kind", "call"), [("reset", Uncertain), ("unavailable", Uncertain)])
async def test_an_outage_is_uncertain_also_for_a_new_conversation(model, openai_controls, kind, call) -> None:
    await openai_controls.knobs(outage=True, outage_kind=kind)

    assert isinstance(await model.open_conversation(an_id(), (), 5), call)
    assert isinstance(await model.answer(_a_request("conv_1")), call)


async def test_two_calls_in_one_conversation_one_of_them_must_come_again(model, conversation, openai_controls) -> None:
    await openai_controls.knobs(latency_ms=100)

    outcomes = await asyncio.gather(*(model.answer(_a_request(conversation)) for _ in range(2)))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Answered", "TryAgain"]
    assert await _posts(openai_controls) == 2


async def test_a_prompt_of_the_dashboard_that_is_switched_off_says_so(model, conversation, openai_controls) -> None:
    await openai_controls.knobs(prompts_shut_down=True)
    briefing = Briefing("pmpt_1", None, None, ChannelType.WHATSAPP, "42", "EAAG")

    outcome = await model.answer(_a_request(conversation, briefing=briefing))

    assert isinstance(outcome, NotAnswered)
    assert "OpenAI answered 400" in outcome.detail


async def test_a_provider_nobody_reaches_has_heard_nothing() -> None:
    async for model in _a_model(NOBODY):
        assert isinstance(await model.open_conversation(an_id(), (), 5), TryAgain)
        assert isinstance(await model.answer(_a_request("conv_1")), TryAgain)


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"{}", b"[]", b'{"id": 7}'])
async def test_an_answer_that_is_none_is_uncertain(model_of_provider, provider, body) -> None:
    provider.says(200, body, Content_Type="application/json")

    assert isinstance(await model_of_provider.open_conversation(an_id(), (), 5), Uncertain)
    assert isinstance(await model_of_provider.answer(_a_request("conv_1")), Uncertain)
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    "voice",
    [a_voice(), a_voice(temperature=None, max_output_tokens=None), a_voice(instructions="", temperature=0.0), None],
)
async def test_the_request_is_what_the_description_allows(model_of_provider, provider, voice) -> None:
    prompt_id = "prm_1" if voice else "pmpt_1"
    briefing = Briefing(prompt_id, voice and 1, voice, ChannelType.WHATSAPP, "42", "EAAG-secret")

    await model_of_provider.answer(_a_request("conv_1", briefing=briefing))
    await model_of_provider.open_conversation(an_id(), (), 5)

    response, conversation = provider.asked
    said = json.loads(response.body)
    assert_fits(said, "CreateResponse")
    assert_fits(json.loads(conversation.body), "CreateConversationBody")
    assert [item["content"] for item in said["input"]] == ["Hello", "How much is a 🥐?"]
    assert said.get("model") == (voice and voice.model)
    assert said.get("prompt") == (None if voice else {"id": "pmpt_1"})
    assert b"EAAG" not in response.body
    assert "idempotency-key" not in {name.lower() for name in response.headers}
