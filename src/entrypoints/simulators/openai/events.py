"""The events of a streamed response, in the order and the shapes of the original."""

import re
from collections.abc import Iterator

from entrypoints.simulators.answers import Json

TERMINAL_TYPES = frozenset({"response.completed", "response.failed", "response.incomplete"})
_WORDS = re.compile(r"\S+\s*|\s+")


def opening_events(response: Json) -> Iterator[Json]:
    """Before the work: the id is known now, and nothing else."""
    # A copy, for these events are about the moment and the response goes on.
    now = dict(response)
    yield {"type": "response.created", "response": now}
    if now["status"] == "queued":
        yield {"type": "response.queued", "response": now}
    yield {"type": "response.in_progress", "response": now | {"status": "in_progress"}}


def closing_events(response: Json) -> Iterator[Json]:
    """After the work: every item, then the terminal event, if this ending has one."""
    for index, item in enumerate(response["output"]):
        yield from _item_events(item, index)
    terminal = f"response.{response['status']}"
    if terminal in TERMINAL_TYPES:
        yield {"type": terminal, "response": response}


def error_event(code: str) -> Json:
    """The bare error that ends a stream without a terminal event."""
    return {"type": "error", "code": code, "message": "The simulated stream broke off.", "param": None}


def _item_events(item: Json, index: int) -> Iterator[Json]:
    yield {"type": "response.output_item.added", "output_index": index, "item": _begun(item)}
    place = {"item_id": item["id"], "output_index": index}
    if item["type"] == "function_call":
        yield from _call_events(item, place)
    if item["type"] == "message":
        for content_index, part in enumerate(item["content"]):
            yield from _part_events(part, place | {"content_index": content_index})
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _begun(item: Json) -> Json:
    if item["type"] == "message":
        return item | {"status": "in_progress", "content": []}
    if item["type"] == "function_call":
        return item | {"status": "in_progress", "arguments": ""}
    return item


def _call_events(item: Json, place: Json) -> Iterator[Json]:
    name = "response.function_call_arguments"
    yield {"type": f"{name}.delta", **place, "delta": item["arguments"]}
    yield {"type": f"{name}.done", **place, "name": item["name"], "arguments": item["arguments"]}


def _part_events(part: Json, place: Json) -> Iterator[Json]:
    field = "refusal" if part["type"] == "refusal" else "text"
    name = "response.refusal" if field == "refusal" else "response.output_text"
    extra: Json = {} if field == "refusal" else {"logprobs": []}
    yield {"type": "response.content_part.added", **place, "part": part | {field: ""}}
    for piece in _WORDS.findall(part[field]):
        yield {"type": f"{name}.delta", **place, "delta": piece, **extra}
    yield {"type": f"{name}.done", **place, field: part[field], **extra}
    yield {"type": "response.content_part.done", **place, "part": part}
