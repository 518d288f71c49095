import json
from typing import Any

import msgspec
import pytest

from adapters.llm.openai_answers import Item, read_answer, read_items
from domain.answers import Answered, NotAnswered, TryAgain, Usage
from domain.conversations import UnansweredReason

REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
CALL = {"type": "function_call", "name": "look_up", "arguments": "{"}


def _message(*parts: dict[str, Any], phase: str | None = None) -> dict[str, Any]:
    return {"type": "message", "phase": phase, "content": list(parts)}


def _said(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _read(*output: Any, **fields: Any):
    response = {"id": "resp_1", "model": "gpt-5-mini", "status": "completed", "output": list(output)}
    return read_answer(json.dumps(response | fields).encode())


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ([_message(_said("Hi"))], "Hi"),
        ([REASONING, _message(_said("Hi"))], "Hi"),
        ([_message(_said("Let me see."), phase="commentary"), _message(_said("Hi"), phase="final_answer")], "Hi"),
        ([_message(_said("Hi "), _said("Kim"))], "Hi Kim"),
        ([_message(_said("Hi ")), REASONING, _message(_said("Kim"))], "Hi Kim"),
        ([CALL, _message(_said(" Hi \n"))], "Hi"),
        ([{"type": "of the future", "content": None}, _message(_said("Hi"))], "Hi"),
        ([_message({"type": "refusal", "refusal": "No."}, _said("Hi"))], "Hi"),
        ([_message(_said("a\x00b 👍"))], "a\ufffdb 👍"),
    ],
)
def test_the_answer_is_the_text_of_the_final_message_wherever_it_stands(output, text: str) -> None:
    usage = {"input_tokens": 12, "output_tokens": 5, "total_tokens": 17}

    assert _read(*output, usage=usage) == Answered(text, "resp_1", "gpt-5-mini", Usage(12, 5))


def test_an_answer_need_not_say_that_it_is_complete() -> None:
    response = {"id": "resp_1", "model": "gpt-5-mini", "output": [_message(_said("Hi"))]}

    assert read_answer(json.dumps(response).encode()) == Answered("Hi", "resp_1", "gpt-5-mini", Usage(), None)


def test_an_answer_without_usage_counts_nothing() -> None:
    assert _read(_message(_said("Hi"))).usage == Usage(0, 0)


@pytest.mark.parametrize(
    ("output", "fields", "reason"),
    [
        ([_message({"type": "refusal", "refusal": "No."})], {}, UnansweredReason.REFUSED),
        ([], {}, UnansweredReason.EMPTY),
        ([REASONING], {}, UnansweredReason.EMPTY),
        ([_message(_said(" \n"))], {}, UnansweredReason.EMPTY),
        ([_message(_said("Let me see."), phase="commentary")], {}, UnansweredReason.EMPTY),
        ([CALL], {}, UnansweredReason.TOOL_CALL),
        ([{"type": "mcp_call", "content": None}], {}, UnansweredReason.TOOL_CALL),
        (
            [_message(_said("It i"))],
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            UnansweredReason.INCOMPLETE,
        ),
        ([], {"status": "incomplete", "incomplete_details": None}, UnansweredReason.INCOMPLETE),
        ([], {"status": "failed", "error": {"code": "invalid_prompt"}}, UnansweredReason.MODEL_FAILED),
        ([_message(_said("Hi"))], {"status": "cancelled"}, UnansweredReason.MODEL_FAILED),
        ([_message(_said("Hi"))], {"status": "in_progress"}, UnansweredReason.MODEL_FAILED),
        ([_message(_said("Hi"))], {"status": ""}, UnansweredReason.MODEL_FAILED),
    ],
)
def test_every_other_ending_has_its_own_reason(output, fields, reason: UnansweredReason) -> None:
    outcome = _read(*output, **fields)

    assert isinstance(outcome, NotAnswered)
    assert outcome.reason is reason
    assert outcome.detail


@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded"])
def test_a_failure_that_passes_is_tried_again(code: str) -> None:
    assert _read(status="failed", error={"code": code}) == TryAgain(f"The model failed: {code}")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"id": 7}', b"<html>", b'{"id":"","model":"","output":7}'])
def test_what_is_no_response_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_answer(body)


def test_a_question_that_stands_there_without_an_answer_is_being_answered_and_nobody_failed() -> None:
    asked = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}

    outcome = read_items([msgspec.convert(asked, Item)], ["Hello"], "gpt-5-mini")

    assert isinstance(outcome, TryAgain)
    assert (outcome.is_locked, outcome.is_outage) == (True, False)
