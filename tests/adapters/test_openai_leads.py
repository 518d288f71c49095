"""Forms filled in over the wire: what is asked for, and each way in which it can end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.llm.openai_leads import OpenAILeadModel
from adapters.llm.openai_model import opened_client
from application.ports.lead_model import LeadRequest
from domain.answers import Answered, NotAnswered, TryAgain, Uncertain
from domain.conversations import UnansweredReason
from domain.leads.form import read_form, strict_schema
from domain.leads.prompt import instructions, question
from domain.leads.reading import read
from domain.leads.transcript import Line
from tests.adapters.provider import Provider
from tests.builders import an_id
from tests.fakes.clock import MONDAY_MORNING
from tests.simulators.description import assert_fits

FORM = read_form(None)
LINES = [
    Line(1, True, MONDAY_MORNING, "My name is Ana, ana@example.com, +34 612 345 678, budget 2,500 euros"),
    Line(2, False, MONDAY_MORNING, "Write to us at shop@example.com"),
]


def a_request(**fields: Any) -> LeadRequest:
    shown = question(LINES, "5eed", MONDAY_MORNING)
    defaults: dict[str, Any] = {
        "run_id": an_id(),
        "attempt": 1,
        "instructions": instructions(()),
        "question": shown,
        "schema": strict_schema(FORM),
        "customer": "c" * 32,
        "timeout_seconds": 5.0,
    }
    return LeadRequest(**defaults | fields)


async def _a_model(url: str) -> AsyncIterator[OpenAILeadModel]:
    async with opened_client("sk-test", url) as client:
        yield OpenAILeadModel(client, "gpt-5.5")


@pytest.fixture
async def model(openai_process, openai_controls) -> AsyncIterator[OpenAILeadModel]:
    async for model in _a_model(openai_process.url):
        yield model


@pytest.fixture
async def model_of_provider(provider: Provider) -> AsyncIterator[OpenAILeadModel]:
    async for model in _a_model(provider.url):
        yield model


async def test_the_simulated_model_reads_a_lead_that_is_believed(model, openai_controls) -> None:
    outcome = await model.read(a_request())

    assert isinstance(outcome, Answered)
    found = {name: one.value for name, one in read(FORM, outcome.text, LINES, "ES").values.items()}
    assert found["name"] == "Ana"
    assert found["email"] == "ana@example.com"
    assert found["telephone"] == "+34612345678"
    assert found["budget"] == {"amount": 2500, "currency": "EUR"}
    assert outcome.usage.input_tokens > 0
    (record,) = await openai_controls.records("response")
    assert (record["conversation_id"], record["format"]) == (None, "structured")


async def test_what_is_sent_is_strict_kept_nowhere_and_fits_the_description(model_of_provider, provider) -> None:
    provider.says(500)
    request = a_request()

    await model_of_provider.read(request)

    body = json.loads(provider.asked[0].body)
    assert_fits(body, "CreateResponse")
    assert body["text"]["format"] == {
        "type": "json_schema",
        "name": "lead",
        "strict": True,
        "schema": request.schema,
    }
    assert (body["store"], body["model"], body["metadata"]["extraction_id"]) == (False, "gpt-5.5", str(request.run_id))
    assert "conversation" not in body
    assert body["instructions"] == request.instructions


RULES: list[tuple[dict[str, Any], Any]] = [
    ({"refusal": "No."}, UnansweredReason.REFUSED),
    ({"incomplete": "max_output_tokens", "answer": '{"na'}, UnansweredReason.INCOMPLETE),
    ({"empty": True}, UnansweredReason.EMPTY),
]


@pytest.mark.parametrize(("then", "reason"), RULES)
async def test_a_refusal_and_a_cut_off_are_no_answers(model, openai_controls, then, reason) -> None:
    await openai_controls.script({"kind": "structured", "then": then})

    outcome = await model.read(a_request())

    assert isinstance(outcome, NotAnswered)
    assert outcome.reason is reason


async def test_failures_of_the_provider_are_told_from_those_of_the_answer(model_of_provider, provider) -> None:
    provider.says(429, b'{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}', retry_after="7")
    slowed = await model_of_provider.read(a_request())
    assert isinstance(slowed, TryAgain)
    assert slowed.after_seconds == 7.0
    provider.says(404, b'{"error": {"message": "no such model", "code": "model_not_found", "param": "model"}}')
    assert isinstance(await model_of_provider.read(a_request()), NotAnswered)
    provider.says(200, b"no json")
    assert isinstance(await model_of_provider.read(a_request()), Uncertain)
    provider.cuts()
    assert isinstance(await model_of_provider.read(a_request()), Uncertain)
