"""An answer that is streamed ends as one that is not, and is heard on the way."""

import json
from collections.abc import AsyncIterator

import pytest

from adapters.llm.openai_model import OpenAIModel
from adapters.llm.openai_stream import read_stream
from domain.answers import Answered, Forgotten, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.conversations import UnansweredReason
from tests.adapters.provider import Provider
from tests.adapters.test_openai_model import NOBODY, _a_model, _a_request
from tests.builders import an_id

FATAL = {"http_status": 403, "code": "unsupported_country", "message": "No."}
BUSY = {"http_status": 429, "code": "rate_limit_exceeded", "message": "Slow.", "retry_after": 3}


class Ear:
    def __init__(self) -> None:
        self.heard: list[str] = []

    async def __call__(self, text: str) -> None:
        self.heard.append(text)

    @property
    def text(self) -> str:
        return "".join(self.heard)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def model(openai_process, openai_controls) -> AsyncIterator[OpenAIModel]:
    async for model in _a_model(openai_process.url):
        yield model


@pytest.fixture
async def conversation(model: OpenAIModel) -> str:
    return (await model.open_conversation(an_id(), (), 5)).id


async def test_the_text_is_heard_piece_by_piece_and_the_answer_is_whole(
    model, conversation, openai_controls, ear
) -> None:
    await openai_controls.script({"then": {"answer": "Until six. 🥐 Bye", "drip_ms": 5}, "times": 1})

    outcome = await model.answer(_a_request(conversation, listener=ear))

    assert isinstance(outcome, Answered)
    assert (outcome.text, ear.text, len(ear.heard)) == ("Until six. 🥐 Bye", "Until six. 🥐 Bye", 4)
    assert outcome.usage.output_tokens > 0
    assert outcome.last_item_id is not None


async def test_commentary_is_not_heard(model, conversation, openai_controls, ear) -> None:
    await openai_controls.script({"then": {"commentary": "Let me see.", "answer": "Until six."}, "times": 1})

    outcome = await model.answer(_a_request(conversation, listener=ear))

    assert isinstance(outcome, Answered)
    assert (outcome.text, ear.text) == ("Until six.", "Until six.")


@pytest.mark.parametrize(
    "then",
    [
        {"answer": "Yes."},
        {"refusal": "No."},
        {"empty": True},
        {"incomplete": "max_output_tokens"},
        {"incomplete": "max_output_tokens", "answer": "Half of"},
        {"failed": "server_error"},
        {"failed": "invalid_prompt"},
        {"function_call": {"name": "look_up"}},
        {"error": FATAL},
        {"error": BUSY},
        {"error": {"http_status": 500, "code": "server_error", "message": "Oops."}},
        {"error": {"http_status": 400, "code": "conversation_locked", "message": "Locked."}},
    ],
    ids=str,
)
async def test_every_ending_is_the_same_with_and_without_a_listener(model, openai_controls, ear, then) -> None:
    await openai_controls.script({"then": then, "times": 2})
    outcomes = []
    for listener in (None, ear):
        conversation = (await model.open_conversation(an_id(), (), 5)).id
        outcomes.append(await model.answer(_a_request(conversation, listener=listener)))

    plain, streamed = outcomes
    assert type(plain) is type(streamed)
    for field in ("text", "reason", "detail", "after_seconds", "is_locked"):
        assert getattr(plain, field, None) == getattr(streamed, field, None)


@pytest.mark.parametrize(
    "then",
    [
        {"answer": "One two three", "cut_after_events": 5},
        {"answer": "One two three", "cut_after_events": 0},
        {"answer": "One two three", "broken_json": True},
        {"stream_error": "server_error"},
        {"accept_and_lose": True},
        {"response_status": "in_progress"},
    ],
    ids=str,
)
async def test_a_stream_without_its_end_has_told_nothing(model, conversation, openai_controls, ear, then) -> None:
    await openai_controls.script({"then": then, "times": 1})

    assert isinstance(await model.answer(_a_request(conversation, listener=ear)), Uncertain)


async def test_what_a_cut_stream_said_stands_in_the_conversation(model, conversation, openai_controls, ear) -> None:
    await openai_controls.script({"then": {"answer": "One two three", "cut_after_events": 6}, "times": 1})
    request = _a_request(conversation, listener=ear)
    assert isinstance(await model.answer(request), Uncertain)
    assert "One two three".startswith(ear.text)

    found = await model.recall(request)

    assert isinstance(found, Answered | NotHeard)
    assert getattr(found, "text", "One two three") == "One two three"


async def test_a_stream_that_drips_past_the_deadline_is_uncertain(model, conversation, openai_controls, ear) -> None:
    await openai_controls.script({"then": {"answer": "word " * 50, "drip_ms": 50}, "times": 1})

    outcome = await model.answer(_a_request(conversation, listener=ear, timeout_seconds=0.6))

    assert isinstance(outcome, Uncertain)
    assert ear.heard


async def test_a_conversation_that_is_gone_and_a_provider_that_is_gone(model, ear) -> None:
    assert isinstance(await model.answer(_a_request("conv_gone", listener=ear)), Forgotten)
    async for nobody in _a_model(NOBODY):
        assert await nobody.answer(_a_request("conv_1", listener=ear)) == TryAgain(
            "OpenAI could not be reached.", is_outage=True
        )


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _line(**event: object) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


async def test_lines_may_be_cut_anywhere(ear) -> None:
    output = [{"type": "message", "content": [{"type": "output_text", "text": "Né🥐"}]}]
    response = {"id": "r", "model": "m", "status": "completed", "output": output}
    whole = _line(type="response.output_text.delta", item_id="m", delta="Né🥐")
    whole += _line(type="response.completed", response=response)

    outcome = await read_stream(_pieces(*(bytes([each]) for each in whole)), ear)

    assert isinstance(outcome, Answered)
    assert (outcome.text, ear.text) == ("Né🥐", "Né🥐")


@pytest.mark.parametrize("line", [b"data: {\n\n", b"data: []\n\n", b"", b": hi\n\n", b"data: [DONE]\n\n"])
async def test_what_is_no_event_is_uncertain(ear, line) -> None:
    assert isinstance(await read_stream(_pieces(line), ear), Uncertain)


async def test_a_bare_error_that_no_retry_mends_ends_the_turn(ear) -> None:
    outcome = await read_stream(_pieces(_line(type="error", code="invalid_prompt", message="No.")), ear)

    assert outcome == NotAnswered(UnansweredReason.MODEL_FAILED, "The model failed: invalid_prompt")


async def test_a_server_that_does_not_stream_is_understood_all_the_same(ear) -> None:
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Until six."}]}
    answer = json.dumps({"id": "resp_1", "model": "local", "status": "completed", "output": [message]}).encode()
    async with Provider().serving() as provider:
        provider.says(200, answer, content_type="application/json")
        async for model in _a_model(provider.url):
            outcome = await model.answer(_a_request("conv_1", listener=ear))

    assert isinstance(outcome, Answered)
    assert (outcome.text, ear.heard) == ("Until six.", [])
