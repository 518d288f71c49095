"""A Responses answer, read: which of its many endings it is, and the text when it is a good one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from adapters.llm.openai_input import FILE_REFUSALS, FilesRefused
from domain.answers import Answered, ModelOutcome, NotAnswered, NotHeard, TryAgain, Usage
from domain.conversations import UnansweredReason
from domain.shared import storable

RETRYABLE_FAILURES = frozenset({"server_error", "rate_limit_exceeded"})


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""
    refusal: str = ""


class Item(msgspec.Struct):
    """One item of an answer or of a conversation, as far as we read it."""

    id: str | None = None
    type: str = ""
    role: str = ""
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
    """`status` is not required of a response; the official description lets one that is whole come without."""

    id: str
    model: str
    status: str = "completed"
    output: list[Item] = []
    usage: _Usage | None = None
    error: _Error | None = None
    incomplete_details: _Incomplete | None = None


_decoder = msgspec.json.Decoder(_Response)


def read_answer(body: bytes) -> ModelOutcome:
    """What a 200 of POST /responses says.

    Raises msgspec.DecodeError when it is not what OpenAI documents, and FilesRefused.
    """
    response = _decoder.decode(body)
    if response.status == "completed":
        return _of_completed(response)
    if response.status == "incomplete":
        reason = response.incomplete_details.reason if response.incomplete_details else "no reason given"
        detail = f"The model stopped early: {reason}"
        return NotAnswered(UnansweredReason.INCOMPLETE, detail, _last_id(response.output))
    code = response.error.code if response.error else response.status
    if code in FILE_REFUSALS:
        raise FilesRefused(code)
    if code in RETRYABLE_FAILURES:
        return TryAgain(f"The model failed: {code}")
    return NotAnswered(UnansweredReason.MODEL_FAILED, f"The model failed: {code}")


def _of_completed(response: _Response) -> ModelOutcome:
    last_item_id = _last_id(response.output)
    if text := _final_text(response.output):
        usage = response.usage or _Usage()
        counted = Usage(usage.input_tokens, usage.output_tokens)
        return Answered(text, response.id, response.model, counted, last_item_id)
    return _without_text(response.output, last_item_id)


def read_items(items: Sequence[Item], questions: Sequence[str], model: str) -> ModelOutcome | NotHeard:
    """What became of `questions`, read from the items that stand in the conversation behind the last turn.

    An answer stands there together with its questions, or neither does: OpenAI appends both when it is done.
    """
    answer = _behind(items, questions)
    if answer is None:
        return NotHeard()
    if not answer:
        # It is being answered: the provider is well, and whoever looks again will find the answer.
        return TryAgain("The model has heard the message and has not answered yet.", is_locked=True)
    if text := _final_text(answer):
        return Answered(text, None, model, Usage(), _last_id(answer))
    return _without_text(answer, _last_id(answer))


def _behind(items: Sequence[Item], questions: Sequence[str]) -> Sequence[Item] | None:
    """The items behind the questions as they were asked last; None when they were not."""
    said = [_said(item) for item in items]
    for start in range(len(items) - len(questions), -1, -1):
        if said[start : start + len(questions)] == list(questions):
            return items[start + len(questions) :]
    return None


def _said(item: Item) -> str | None:
    """What a customer said in this item, None for anybody else's.

    It stands in the first part. Those behind it are files, or notes in their place, which may differ the next time.
    """
    if item.type != "message" or item.role != "user" or not item.content:
        return None
    return item.content[0].text


def _final_text(items: Sequence[Item]) -> str:
    """The final message's text, wherever it stands: reasoning comes before it, commentary is not for the customer."""
    return storable("".join(part.text for part in _spoken(items) if part.type == "output_text").strip())


def _without_text(items: Sequence[Item], last_item_id: str | None) -> NotAnswered:
    if any(part.type == "refusal" for part in _spoken(items)):
        return NotAnswered(UnansweredReason.REFUSED, "The model refused to answer.", last_item_id)
    if called := [item.name or item.type for item in items if item.type.endswith("_call")]:
        detail = f"The model called {', '.join(called)} and said nothing."
        return NotAnswered(UnansweredReason.TOOL_CALL, detail, last_item_id)
    return NotAnswered(UnansweredReason.EMPTY, "The model answered without a text.", last_item_id)


def _spoken(items: Sequence[Item]) -> list[_Part]:
    return [
        part
        for item in items
        if item.type == "message" and item.role != "user" and item.phase != "commentary"
        for part in item.content or ()
    ]


def _last_id(items: Sequence[Item]) -> str | None:
    return items[-1].id if items else None
