"""Items: what a conversation and the input of a response are made of."""

from entrypoints.simulators.answers import Json, JsonValue
from entrypoints.simulators.openai.errors import refused
from entrypoints.simulators.openai.identifiers import new_id

_PREFIXES = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}
_PART_DEFAULTS: dict[str, Json] = {
    "output_text": {"annotations": [], "logprobs": []},
    "input_image": {"detail": "auto"},
}
_CHARACTERS_PER_TOKEN = 4


def as_items(value: JsonValue, param: str) -> list[Json]:
    """Input (a text or a list of items) as items with ids. Raises FaultError (400) for anything else."""
    if isinstance(value, str):
        return [_message({"role": "user", "content": value}, param)]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise refused(f"Invalid type for '{param}': expected a string or a list of items.", param=param)
    return [_item(item, param) for item in value]


def text_of(item: Json) -> str:
    """The text of a message, or the output of a function call."""
    content = item.get("content", item.get("output", item.get("arguments", "")))
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", part.get("refusal", "")) or "" for part in content or ())


def last_user_text(items: list[Json]) -> str:
    """What the user said last; empty if the user said nothing."""
    return next((text_of(item) for item in reversed(items) if item.get("role") == "user"), "")


def count_tokens(items: list[Json]) -> int:
    """A fair guess of what these items cost."""
    return sum(len(text_of(item)) // _CHARACTERS_PER_TOKEN + 1 for item in items)


def _item(item: Json, param: str) -> Json:
    kind = item.get("type", "message")
    if kind == "message":
        return _message(item, param)
    return {"id": new_id(_PREFIXES.get(kind, "item")), "status": "completed"} | item


def _message(item: Json, param: str) -> Json:
    role = item.get("role")
    if role not in {"user", "assistant", "system", "developer"}:
        raise refused(f"Invalid value for '{param}[].role': {role!r}.", param=param, code="invalid_value")
    complete: Json = {"id": new_id("msg"), "status": "completed"} | item
    return complete | {"type": "message", "content": _parts(item.get("content"), role, param)}


def _parts(content: JsonValue, role: str, param: str) -> list[Json]:
    if isinstance(content, str):
        content = [{"type": "output_text" if role == "assistant" else "input_text", "text": content}]
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise refused(f"Invalid type for '{param}[].content'.", param=param, code="invalid_type")
    return [_PART_DEFAULTS.get(part.get("type", ""), {}) | part for part in content]
