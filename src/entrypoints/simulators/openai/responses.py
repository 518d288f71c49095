"""The response object: from the order, and on to its end."""

import time

from entrypoints.simulators.answers import Json
from entrypoints.simulators.openai.errors import refused
from entrypoints.simulators.openai.identifiers import new_id
from entrypoints.simulators.openai.items import count_tokens
from entrypoints.simulators.openai.orders import Order
from entrypoints.simulators.openai.outcomes import Outcome

_RESPONSES_MAX = 20_000
_REASONING_TOKENS = 16
# Copied from the order where it is given. `user` and `usage` are never null: the description forbids it.
_ECHOED = (
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "user",
)


def open_response(order: Order) -> Json:
    """The response before the work: queued in the background, else in progress."""
    body = order.body
    response: Json = {
        "id": new_id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "queued" if order.background else "in_progress",
        "background": order.background,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "model": order.model,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "service_tier": "default",
        "store": order.stored,
        "temperature": body.get("temperature", 1.0),
        "text": {"format": order.format, "verbosity": "medium"},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": [_tool(tool) for tool in body.get("tools") or []],
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation", "disabled"),
        "metadata": body.get("metadata") or {},
    }
    response |= {name: body[name] for name in _ECHOED if body.get(name) is not None}
    if order.conversation_id:
        response["conversation"] = {"id": order.conversation_id}
    return response


def close_response(response: Json, output: list[Json], outcome: Outcome, input_tokens: int) -> None:
    """Write down how the work ended."""
    response |= {"status": _final_status(outcome), "output": output}
    if response["status"] == "failed":
        response["error"] = {
            "code": outcome.failed or "server_error",
            "message": "The simulated model failed.",
        }
    if outcome.incomplete:
        response["incomplete_details"] = {"reason": outcome.incomplete}
    if response["status"] == "completed":
        response["completed_at"] = int(time.time())
    if output:
        response["usage"] = _usage(input_tokens, count_tokens(output) + _REASONING_TOKENS)


class Responses:
    """The stored responses with their input, the newest 20,000."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_id: dict[str, tuple[Json, list[Json]]] = {}

    def add(self, response: Json, input_items: list[Json]) -> None:
        """Keep a response; what happens to the object later shows here too."""
        self._by_id[response["id"]] = (response, input_items)
        if len(self._by_id) > _RESPONSES_MAX:
            del self._by_id[next(iter(self._by_id))]

    def find(self, response_id: str) -> Json:
        """The response. Raises FaultError (404)."""
        return self._entry(response_id)[0]

    def input_of(self, response_id: str) -> list[Json]:
        """What the response was an answer to. Raises FaultError (404)."""
        return self._entry(response_id)[1]

    def demand_previous(self, response_id: str | None) -> None:
        """Raises FaultError (400) if a previous response is named that is not there."""
        if response_id and response_id not in self._by_id:
            message = f"Previous response with id '{response_id}' not found."
            raise refused(message, param="previous_response_id", code="previous_response_not_found")

    def delete(self, response_id: str) -> None:
        """Forget a response. Raises FaultError (404)."""
        self._entry(response_id)
        del self._by_id[response_id]

    def _entry(self, response_id: str) -> tuple[Json, list[Json]]:
        entry = self._by_id.get(response_id)
        if entry is None:
            raise refused(f"Response with id '{response_id}' not found.", status=404)
        return entry


def _final_status(outcome: Outcome) -> str:
    if outcome.response_status:
        return outcome.response_status
    if outcome.failed or outcome.stream_error:
        return "failed"
    return "incomplete" if outcome.incomplete else "completed"


def _usage(input_tokens: int, output_tokens: int) -> Json:
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": _REASONING_TOKENS},
        "total_tokens": input_tokens + output_tokens,
    }


def _tool(tool: Json) -> Json:
    if tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": {}, "strict": True} | tool
