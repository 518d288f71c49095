"""OpenAI's Responses and Conversations, through its own SDK on aiohttp.

The SDK brings keys, base URL, headers, transport and error classes. Its typed models are passed by (`cast_to` the
plain response): building them costs more CPU than the call. It never retries here: a conversation would hear
twice what it retries. The turn decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import httpx2
import msgspec
import openai

from adapters.llm.openai_answers import read_answer
from application.ports.language_model import ModelConversation, ModelRequest
from domain.answers import Forgotten, ModelOutcome, NotAnswered, TryAgain, Uncertain
from domain.conversations import UnansweredReason

RETRY_AFTER_SECONDS_MAX = 120.0
SERVER_ERROR = 500
DETAIL_LENGTH_MAX = 300


class _Conversation(msgspec.Struct):
    id: str


class _ConversationLostError(Exception):
    """OpenAI has no conversation of that id: it was deleted, or belongs to another project's key."""


class OpenAIModel:
    """One client for the process. Every call has the caller's deadline, not only a time-out between bytes."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client

    async def open_conversation(
        self, conversation_id: UUID, timeout_seconds: float
    ) -> ModelConversation | TryAgain | Uncertain | NotAnswered:
        """Open a conversation; see the port."""
        body = {"metadata": {"conversation_id": str(conversation_id)}}
        answer = await self._post("/conversations", body, timeout_seconds)
        if not isinstance(answer, bytes):
            return answer
        try:
            return ModelConversation(msgspec.json.decode(answer, type=_Conversation).id)
        except msgspec.DecodeError:
            return Uncertain("OpenAI answered something that is no conversation.")

    async def answer(self, request: ModelRequest) -> ModelOutcome:
        """What the model says; see the port."""
        try:
            answer = await self._post("/responses", _body(request), request.timeout_seconds)
        except _ConversationLostError as error:
            return Forgotten(str(error))
        if not isinstance(answer, bytes):
            return answer
        try:
            return read_answer(answer)
        except msgspec.DecodeError:
            return Uncertain("OpenAI answered something that is no response.")

    async def _post(
        self, path: str, body: dict[str, Any], timeout_seconds: float
    ) -> bytes | TryAgain | Uncertain | NotAnswered:
        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._client.post(path, cast_to=httpx2.Response, body=body)
                return response.content
        except openai.APIStatusError as error:
            if _names_a_lost_conversation(error):
                raise _ConversationLostError(_detail(error)) from None
            return _of_status(error)
        except openai.APIConnectionError as error:
            return _of_connection(error)
        except TimeoutError:
            return Uncertain(f"OpenAI did not answer within {timeout_seconds:.0f} s.")


@asynccontextmanager
async def opened_client(api_key: str, base_url: str | None) -> AsyncIterator[openai.AsyncOpenAI]:
    """The SDK's client on its aiohttp transport, closed at the end."""
    client = openai.AsyncOpenAI(
        api_key=api_key, base_url=base_url, max_retries=0, http_client=openai.DefaultAioHttpClient(trust_env=False)
    )
    async with client:
        yield client


def _body(request: ModelRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "conversation": request.model_conversation_id,
        "input": [{"role": "user", "content": question} for question in request.questions],
        "metadata": {"turn_id": str(request.turn_id)},
        "safety_identifier": request.customer,
    }
    voice = request.briefing.voice
    if voice is None:
        return body | {"prompt": {"id": request.briefing.prompt_id}}
    body |= {"model": voice.model, "instructions": voice.instructions}
    if voice.temperature is not None:
        body["temperature"] = voice.temperature
    if voice.max_output_tokens is not None:
        body["max_output_tokens"] = voice.max_output_tokens
    return body


def _of_status(error: openai.APIStatusError) -> TryAgain | Uncertain | NotAnswered:
    detail = _detail(error)
    if error.code == "conversation_locked" or isinstance(error, openai.ConflictError):
        return TryAgain(detail)
    if isinstance(error, openai.RateLimitError) and error.code != "insufficient_quota":
        return TryAgain(detail, _retry_after(error.response))
    if error.status_code >= SERVER_ERROR or error.status_code == httpx2.codes.REQUEST_TIMEOUT:
        return Uncertain(detail, _retry_after(error.response))
    return NotAnswered(UnansweredReason.MODEL_FAILED, detail)


def _names_a_lost_conversation(error: openai.APIStatusError) -> bool:
    """Whether a 404 is about the conversation; one about the model or the prompt is the business's to mend."""
    is_named = error.param == "conversation" or "conversation with id" in error.message.lower()
    return isinstance(error, openai.NotFoundError) and is_named


def _detail(error: openai.APIStatusError) -> str:
    return f"OpenAI answered {error.status_code} {error.code or ''}: {error.message}"[:DETAIL_LENGTH_MAX]


def _of_connection(error: openai.APIConnectionError) -> TryAgain | Uncertain:
    """Nothing was sent when no connection was made; otherwise nobody knows.

    Only aiohttp's own error tells the two apart: the SDK's transport calls every broken connection a ConnectTimeout.
    """
    cause = _first_cause(error, aiohttp.ClientError) or error
    if isinstance(cause, aiohttp.ClientConnectorError):
        return TryAgain("OpenAI could not be reached.")
    return Uncertain(f"The connection to OpenAI broke: {type(cause).__name__}")


def _first_cause(error: BaseException, of_type: type[BaseException]) -> BaseException | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, of_type):
        cause = cause.__cause__
    return cause


def _retry_after(response: httpx2.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return min(float(value), RETRY_AFTER_SECONDS_MAX) if value.replace(".", "", 1).isdecimal() else None
