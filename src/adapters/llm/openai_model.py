"""OpenAI's Responses and Conversations, through its own SDK on aiohttp.

The SDK brings keys, base URL, headers, transport and error classes. Its typed models are passed by (`cast_to` the
plain response): building them costs more CPU than the call. It never retries here: a conversation would hear
twice what it retries. The turn decides.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast
from uuid import UUID

import aiohttp
import httpx2
import msgspec
import openai
import structlog

from adapters.llm.openai_answers import Item, read_answer, read_items
from adapters.llm.openai_failures import Failure, of_connection, of_status, orphaned_call, refused_file
from adapters.llm.openai_input import FilesRefused, item_of
from adapters.llm.openai_stream import read_stream
from application.ports.language_model import Listener, ModelConversation, ModelRequest
from domain.answers import Forgotten, ModelOutcome, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.conversations import Said, UnansweredReason

log = structlog.get_logger()

ITEMS_MAX = 100
"""The most that OpenAI lists at once; far more than one turn puts into a conversation."""

TOLD_ONLY_MAX = 256
"""Turns whose files were refused are remembered until they are asked again, which is at once."""


class _Conversation(msgspec.Struct):
    id: str


class _Items(msgspec.Struct):
    data: list[Item]


Read = TypeVar("Read")


class OpenAIModel:
    """One client for the process. Every call has the caller's deadline, not only a time-out between bytes."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client
        self._told_only: deque[UUID] = deque(maxlen=TOLD_ONLY_MAX)

    async def open_conversation(
        self, conversation_id: UUID, said: Sequence[Said], timeout_seconds: float
    ) -> ModelConversation | TryAgain | Uncertain | NotAnswered:
        """Open a conversation; see the port."""
        body: dict[str, Any] = {"metadata": {"conversation_id": str(conversation_id)}}
        if said:
            body["items"] = [_item(each) for each in said]
        answer = await self._made(self._post("/conversations", body), timeout_seconds)
        if isinstance(answer, bytes):
            return await self._seeded(_conversation(answer), timeout_seconds) if said else _conversation(answer)
        # Nothing else was asked for: what is gone here is the address itself.
        if isinstance(answer, TryAgain | Uncertain | NotAnswered):
            return answer
        return NotAnswered(UnansweredReason.MODEL_FAILED, "OpenAI knows no conversations at this address.")

    async def answer(self, request: ModelRequest) -> ModelOutcome:
        """What the model says; see the port."""
        is_shown = request.turn_id not in self._told_only
        body, name = _body(request, is_shown=is_shown), _name_of_call(request)
        try:
            if request.listener is not None:
                return await self._made(self._streamed(body, request.listener, name), request.timeout_seconds, name)
            answer = await self._made(self._post("/responses", body, name), request.timeout_seconds, name)
            return read_answer(answer) if isinstance(answer, bytes) else answer
        except _OrphanedCall as orphan:
            return await self._repaired(request, orphan.call_id)
        except FilesRefused as refused:
            return self._without_files(request, refused.code, is_shown=is_shown)
        except msgspec.DecodeError:
            return Uncertain("OpenAI answered something that is no response.")

    def _without_files(self, request: ModelRequest, code: str, *, is_shown: bool) -> TryAgain | NotAnswered:
        """A question whose files were refused is asked again, with the files told; only once."""
        if not (is_shown and any(question.shown for question in request.questions)):
            return NotAnswered(UnansweredReason.MODEL_FAILED, f"OpenAI refused a file: {code}")
        self._told_only.append(request.turn_id)
        return TryAgain(f"OpenAI refused a file: {code}", 0.0)

    async def recall(self, request: ModelRequest) -> ModelOutcome | NotHeard:
        """What became of an earlier call; see the port."""
        query: dict[str, Any] = {"order": "asc", "limit": ITEMS_MAX}
        if request.last_item_id is not None:
            query["after"] = request.last_item_id
        items = await self._items(request.model_conversation_id, query, request.timeout_seconds)
        if not isinstance(items, list):
            return items
        voice = request.briefing.voice
        return read_items(
            items,
            [question.text for question in request.questions],
            voice.model if voice else request.briefing.prompt_id,
        )

    async def _seeded(
        self, opened: ModelConversation | Uncertain, timeout_seconds: float
    ) -> ModelConversation | TryAgain | Uncertain | NotAnswered:
        """The conversation with the last thing it was told: a customer who says that again has not been heard yet."""
        if isinstance(opened, Uncertain):
            return opened
        items = await self._items(opened.id, {"order": "desc", "limit": 1}, timeout_seconds)
        if isinstance(items, list):
            return ModelConversation(opened.id, items[0].id if items else None)
        return TryAgain(items.detail) if isinstance(items, Forgotten) else items

    async def _items(
        self, model_conversation_id: str, query: dict[str, Any], timeout_seconds: float
    ) -> list[Item] | Failure:
        path = f"/conversations/{model_conversation_id}/items"
        answer = await self._made(self._get(path, query), timeout_seconds)
        if not isinstance(answer, bytes):
            return answer
        try:
            return msgspec.json.decode(answer, type=_Items).data
        except msgspec.DecodeError:
            return Uncertain("OpenAI answered something that is no list of items.")

    async def _post(self, path: str, body: dict[str, Any], name: str | None = None) -> bytes:
        options = _named(name)
        return (await self._client.post(path, cast_to=httpx2.Response, body=body, options=options)).content

    async def _get(self, path: str, query: dict[str, Any]) -> bytes:
        return (await self._client.get(path, cast_to=httpx2.Response, options={"params": query})).content

    async def _repaired(self, request: ModelRequest, call_id: str) -> ModelOutcome:
        """Answer a tool call that a dead turn left open; until then OpenAI takes nothing more in this conversation."""
        output = {"type": "function_call_output", "call_id": call_id, "output": "cancelled"}
        path = f"/conversations/{request.model_conversation_id}/items"
        try:
            answer = await self._made(self._post(path, {"items": [output]}), request.timeout_seconds)
        except _OrphanedCall as orphan:
            return TryAgain(f"More tool calls were left open: {orphan.call_id}.")
        return TryAgain("A tool call that was left open was closed.", 0.0) if isinstance(answer, bytes) else answer

    async def _streamed(self, body: dict[str, Any], listener: Listener, name: str | None) -> ModelOutcome:
        """What the model says, and `listener` hears the text while it is written."""
        answer = await self._client.post(
            "/responses",
            cast_to=httpx2.Response,
            body=body | {"stream": True},
            options=_named(name),
            stream=True,
            stream_cls=openai.AsyncStream[Any],
        )
        # What is asked for as a plain response comes as one, unread, whatever the SDK's types say.
        response = cast("httpx2.Response", answer)
        try:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                return read_answer(await response.aread())  # servers that speak OpenAI's language may not stream
            return await read_stream(response.aiter_bytes(), listener)
        finally:
            await response.aclose()

    async def _made(self, call: Awaitable[Read], timeout_seconds: float, name: str | None = None) -> Read | Failure:
        try:
            async with asyncio.timeout(timeout_seconds):
                return await call
        except (openai.APIError, httpx2.HTTPError, aiohttp.ClientError, TimeoutError) as error:
            # Both names: after a time-out only ours is known.
            theirs = getattr(error, "request_id", None)
            log.info("model_call_failed", call=name, openai_request_id=theirs, error=type(error).__name__)
            return _failure(error, timeout_seconds)


def _failure(error: Exception, timeout_seconds: float) -> Failure:
    """What the call came to. Raises _OrphanedCall or FilesRefused for what can be repaired."""
    if isinstance(error, openai.APIStatusError):
        if (call_id := orphaned_call(error)) is not None:
            raise _OrphanedCall(call_id) from error
        if (code := refused_file(error)) is not None:
            raise FilesRefused(code) from error
        return of_status(error)
    if isinstance(error, openai.APIConnectionError):
        return of_connection(error)
    if isinstance(error, TimeoutError):
        return Uncertain(f"OpenAI did not answer within {timeout_seconds:.0f} s.")
    return Uncertain(f"OpenAI's stream broke: {type(error).__name__}")


class _OrphanedCall(Exception):
    """A tool call in the conversation was never answered."""

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.call_id = call_id


@asynccontextmanager
async def opened_client(api_key: str, base_url: str | None) -> AsyncIterator[openai.AsyncOpenAI]:
    """The SDK's client on its aiohttp transport, closed at the end."""
    client = openai.AsyncOpenAI(
        api_key=api_key, base_url=base_url, max_retries=0, http_client=openai.DefaultAioHttpClient(trust_env=False)
    )
    async with client:
        yield client


def _conversation(answer: bytes) -> ModelConversation | Uncertain:
    try:
        return ModelConversation(msgspec.json.decode(answer, type=_Conversation).id)
    except msgspec.DecodeError:
        return Uncertain("OpenAI answered something that is no conversation.")


def _item(said: Said) -> dict[str, Any]:
    """A message of our record as an item: customers speak as user, everyone of the business as assistant."""
    kind, role = ("input_text", "user") if said.author == "customer" else ("output_text", "assistant")
    return {"type": "message", "role": role, "content": [{"type": kind, "text": said.text}]}


def _question(request: ModelRequest) -> dict[str, str]:
    return {} if request.question_id is None else {"message_id": str(request.question_id)}


def _name_of_call(request: ModelRequest) -> str | None:
    """A name for one call, by which OpenAI finds it even if we saw no answer: our message's id, and chance."""
    return None if request.question_id is None else f"{request.question_id}.{os.urandom(4).hex()}"


def _named(name: str | None) -> openai.RequestOptions:
    return {} if name is None else {"headers": {"X-Client-Request-Id": name}}


def _body(request: ModelRequest, *, is_shown: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "conversation": request.model_conversation_id,
        "input": [item_of(question, is_shown=is_shown) for question in request.questions],
        "metadata": {"turn_id": str(request.turn_id), **_question(request)},
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
