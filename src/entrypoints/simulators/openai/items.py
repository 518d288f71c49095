"""Items: what a conversation and the input of a response are made of."""

from entrypoints.simulators.answers import Json, JsonValue
from entrypoints.simulators.openai.errors import refused
from entrypoints.simulators.openai.identifiers import new_id
from entrypoints.simulators.openai.parts import demand_part

_PREFIXES = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}
_PART_DEFAULTS: dict[str, Json] = {
    "output_text": {"annotations": [], "logprobs": []},
    "input_image": {"detail": "auto"},
}
_CHARACTERS_PER_TOKEN = 4


def as_items(value: JsonValue, param: str) -> list[Json]:
    """Input (a text or a list of items) as items with ids. Raises FaultError (400) for anything else."""
    if isinstance(value, str):
        return [_message({"role": "user", "content": value}, param, 0)]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise refused(f"Invalid type for '{param}': expected a string or a list of items.", param=param)
    return [_item(item, param, place) for place, item in enumerate(value)]


def text_of(item: Json) -> str:
    """The text of a message, or the output of a function call."""
    content = item.get("content", item.get("output", item.get("arguments", "")))
    if isinstance(content, str):
        return content
    texts = [part.get("text", part.get("refusal", "")) for part in content or ()]
    return "\n".join(text for text in texts if text)


def last_user_text(items: list[Json]) -> str:
    """What the user said last; empty if the user said nothing."""
    return next((text_of(item) for item in reversed(items) if item.get("role") == "user"), "")


def count_tokens(items: list[Json]) -> int:
    """A fair guess of what these items cost."""
    return sum(len(text_of(item)) // _CHARACTERS_PER_TOKEN + 1 for item in items)


def _item(item: Json, param: str, place: int) -> Json:
    kind = item.get("type", "message")
    if kind == "message":
        return _message(item, param, place)
    return {"id": new_id(_PREFIXES.get(kind, "item")), "status": "completed"} | item


def _message(item: Json, param: str, place: int) -> Json:
    role = item.get("role")
    if role not in {"user", "assistant", "system", "developer"}:
        raise refused(f"Invalid value for '{param}[].role': {role!r}.", param=param, code="invalid_value")
    complete: Json = {"id": new_id("msg"), "status": "completed"} | item
    return complete | {"type": "message", "content": _parts(item.get("content"), role, param, place)}


def _parts(content: JsonValue, role: str, param: str, place: int) -> list[Json]:
    if isinstance(content, str):
        content = [{"type": "output_text" if role == "assistant" else "input_text", "text": content}]
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise refused(f"Invalid type for '{param}[].content'.", param=param, code="invalid_type")
    for number, part in enumerate(content):
        demand_part(part, role, f"{param}[{place}].content[{number}]")
    return [_PART_DEFAULTS.get(part.get("type", ""), {}) | part for part in content]
