"""What the model says: the output items of a response."""

import json

from entrypoints.simulators.answers import Json
from entrypoints.simulators.openai.identifiers import new_id
from entrypoints.simulators.openai.lead_reading import read_lead
from entrypoints.simulators.openai.orders import Order
from entrypoints.simulators.openai.outcomes import FunctionCall, Outcome
from entrypoints.simulators.openai.samples import sample

_QUOTED_CHARACTERS_MAX = 300
_PERSONA_CHARACTERS_MAX = 120


def generate(order: Order, outcome: Outcome) -> list[Json]:
    """The output, in the order of the original: reasoning before what it led to."""
    if outcome.failed or outcome.stream_error or outcome.response_status:
        return []
    return [_reasoning(), *_spoken(order, outcome)]


def _spoken(order: Order, outcome: Outcome) -> list[Json]:
    if outcome.function_call:
        return [_function_call(outcome.function_call)]
    if outcome.refusal is not None:
        return [_message({"type": "refusal", "refusal": outcome.refusal})]
    if outcome.incomplete:
        return [_message(_text(outcome.answer), status="incomplete")] if outcome.answer else []
    if outcome.empty:
        return [_message(_text(""))]
    spoken = [_message(_text(_answer(order, outcome)))]
    if outcome.commentary is not None:
        spoken.insert(0, _message(_text(outcome.commentary), phase="commentary"))
    return spoken


def _answer(order: Order, outcome: Outcome) -> str:
    if outcome.answer is not None:
        return outcome.answer
    if order.format.get("type") == "json_schema":
        schema = order.format.get("schema", {})
        return json.dumps(read_lead(order.text, schema) or sample(schema))
    if order.format.get("type") == "json_object":
        return "{}"
    return _small_talk(order)


def _small_talk(order: Order) -> str:
    quoted = order.text.strip()[:_QUOTED_CHARACTERS_MAX]
    opening = f'Thank you for your message: "{quoted}".' if quoted else "Hello! How can I help you?"
    persona = order.instructions.strip().partition("\n")[0].partition(". ")[0][:_PERSONA_CHARACTERS_MAX]
    role = f' My instructions begin: "{persona.rstrip(".")}".' if persona else ""
    return f"{opening} I am a simulated model, so this answer only shows that I read you.{role}"


def _reasoning() -> Json:
    return {"id": new_id("rs"), "type": "reasoning", "summary": []}


def _message(part: Json, *, phase: str = "final_answer", status: str = "completed") -> Json:
    return {
        "id": new_id("msg"),
        "type": "message",
        "role": "assistant",
        "status": status,
        "phase": phase,
        "content": [part],
    }


def _text(text: str | None) -> Json:
    return {"type": "output_text", "text": text or "", "annotations": [], "logprobs": []}


def _function_call(call: FunctionCall) -> Json:
    return {
        "id": new_id("fc"),
        "type": "function_call",
        "call_id": call.call_id or new_id("call"),
        "name": call.name,
        "arguments": call.arguments,
        "status": "completed",
    }
