"""An answer that arrives as server-sent events: its text is passed on while it comes, its end decides.

Only the terminal event counts, which carries the whole response; a stream that ends without one has told nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

import msgspec

from adapters.llm.openai_answers import RETRYABLE_FAILURES, read_answer
from application.ports.language_model import Listener
from domain.answers import ModelOutcome, NotAnswered, Uncertain
from domain.conversations import UnansweredReason

TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
EVENT_BYTES_MAX = 16 * 1024 * 1024
"""The terminal event repeats the whole answer. Whoever sends more without an end of line is no model."""


class _Item(msgspec.Struct):
    id: str | None = None
    phase: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    delta: str = ""
    item_id: str = ""
    item: _Item | None = None
    code: str | None = None
    response: msgspec.Raw = msgspec.Raw(b"")


_decoder = msgspec.json.Decoder(_Event)


async def read_stream(content: AsyncIterable[bytes], listener: Listener) -> ModelOutcome:
    """What the stream says in the end; `listener` hears the final message's text on the way.

    Raises what reading `content` raises.
    """
    commentary: set[str] = set()
    try:
        async for data in _data_lines(content):
            event = _decoder.decode(data)
            if event.type in TERMINAL:
                return read_answer(bytes(event.response))
            if event.type == "error":
                return _of_error(event.code)
            if event.type == "response.output_item.added" and event.item and event.item.phase == "commentary":
                commentary.add(event.item.id or "")
            if event.type == "response.output_text.delta" and event.delta and event.item_id not in commentary:
                await listener(event.delta)
    except msgspec.DecodeError:
        return Uncertain("OpenAI streamed something that is no event.")
    return Uncertain("OpenAI's stream ended before the answer did.")


def _of_error(code: str | None) -> ModelOutcome:
    if code is None or code in RETRYABLE_FAILURES:
        return Uncertain(f"OpenAI's stream broke off: {code or 'no reason given'}")
    return NotAnswered(UnansweredReason.MODEL_FAILED, f"The model failed: {code}")


async def _data_lines(content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """What stands behind ``data:``; each of OpenAI's events has one such line. Its type stands in there, too."""
    rest = b""
    async for piece in content:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                yield data
        if len(rest) > EVENT_BYTES_MAX:
            raise msgspec.DecodeError
