"""Forms filled in by OpenAI: structured output, strict, kept nowhere, in no conversation."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import httpx2
import msgspec
import openai

from adapters.llm.openai_answers import read_answer
from adapters.llm.openai_failures import of_connection, of_status
from adapters.llm.openai_input import FilesRefused
from application.ports.lead_model import LeadOutcome, LeadRequest
from domain.answers import Forgotten, NotAnswered, Uncertain
from domain.conversations import UnansweredReason

OUTPUT_TOKENS_MAX = 8_000
"""Room for a long form and for a model that thinks first; a bound for one that does not stop."""


class OpenAILeadModel:
    """Shares the client of the process. Every call has the caller's deadline."""

    def __init__(self, client: openai.AsyncOpenAI, model: str) -> None:
        self._client = client
        self._model = model

    async def read(self, request: LeadRequest) -> LeadOutcome:
        """What the model answers; see the port."""
        try:
            async with asyncio.timeout(request.timeout_seconds):
                answer = await self._client.post(
                    "/responses", cast_to=httpx2.Response, body=_body(request, self._model)
                )
            return _known(read_answer(answer.content))
        except openai.APIError as error:
            return _failure(error)
        except (httpx2.HTTPError, aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            return Uncertain(f"OpenAI's answer did not come whole: {type(error).__name__}")
        except FilesRefused as refused:
            return NotAnswered(UnansweredReason.MODEL_FAILED, f"The model failed: {refused.code}")


def _failure(error: openai.APIError) -> LeadOutcome:
    if isinstance(error, openai.APIStatusError):
        return _known(of_status(error))
    if isinstance(error, openai.APIConnectionError):
        return of_connection(error)
    return Uncertain(f"OpenAI's answer could not be read: {type(error).__name__}")


def _body(request: LeadRequest, model: str) -> dict[str, Any]:
    shown = {"type": "message", "role": "user", "content": request.question}
    form = {"type": "json_schema", "name": "lead", "strict": True, "schema": request.schema}
    return {
        "model": model,
        "instructions": request.instructions,
        "input": [shown],
        "text": {"format": form},
        "store": False,
        "max_output_tokens": OUTPUT_TOKENS_MAX,
        "metadata": {"extraction_id": str(request.run_id), "attempt": str(request.attempt)},
        "safety_identifier": request.customer,
    }


def _known(outcome: LeadOutcome | Forgotten) -> LeadOutcome:
    """No conversation is named, so what is gone is the model or the address."""
    if isinstance(outcome, Forgotten):
        return NotAnswered(UnansweredReason.MODEL_FAILED, outcome.detail)
    return outcome
