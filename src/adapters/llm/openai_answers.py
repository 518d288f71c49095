"""A Responses answer, read: which of its many endings it is, and the text when it is a good one."""

from __future__ import annotations

import msgspec

from domain.answers import Answered, ModelOutcome, NotAnswered, TryAgain, Usage
from domain.conversations import UnansweredReason
from domain.shared import storable

RETRYABLE_FAILURES = frozenset({"server_error", "rate_limit_exceeded"})


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""
    refusal: str = ""


class _Item(msgspec.Struct):
    type: str = ""
    phase: str | None = None
    name: str | None = None
    content: list[_Part] | None = None


class _Usage(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0


class _Error(msgspec.Struct):
    code: str = ""


class _Incomplete(msgspec.Struct):
    reason: str = ""


class _Response(msgspec.Struct):
    id: str
    model: str
    status: str = ""
    output: list[_Item] = []
    usage: _Usage | None = None
    error: _Error | None = None
    incomplete_details: _Incomplete | None = None


_decoder = msgspec.json.Decoder(_Response)


def read_answer(body: bytes) -> ModelOutcome:
    """What a 200 of POST /responses says. Raises msgspec.DecodeError when it is not what OpenAI documents."""
    response = _decoder.decode(body)
    if response.status == "completed":
        return _of_completed(response)
    if response.status == "incomplete":
        reason = response.incomplete_details.reason if response.incomplete_details else "no reason given"
        return NotAnswered(UnansweredReason.INCOMPLETE, f"The model stopped early: {reason}")
    code = response.error.code if response.error else response.status
    if code in RETRYABLE_FAILURES:
        return TryAgain(f"The model failed: {code}")
    return NotAnswered(UnansweredReason.MODEL_FAILED, f"The model failed: {code}")


def _of_completed(response: _Response) -> ModelOutcome:
    """The final message's text, wherever it stands: reasoning comes before it, commentary is not for the customer."""
    parts = [
        part
        for item in response.output
        if item.type == "message" and item.phase != "commentary"
        for part in item.content or ()
    ]
    if text := "".join(part.text for part in parts if part.type == "output_text").strip():
        usage = response.usage or _Usage()
        return Answered(storable(text), response.id, response.model, Usage(usage.input_tokens, usage.output_tokens))
    if any(part.type == "refusal" for part in parts):
        return NotAnswered(UnansweredReason.REFUSED, "The model refused to answer.")
    if called := [item.name or item.type for item in response.output if item.type.endswith("_call")]:
        return NotAnswered(UnansweredReason.TOOL_CALL, f"The model called {', '.join(called)} and said nothing.")
    return NotAnswered(UnansweredReason.EMPTY, "The model answered without a text.")
