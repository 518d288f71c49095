"""What is deleted at OpenAI: a conversation's items before it, and everything once more when something failed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.llm.openai_eraser import OpenAIEraser
from adapters.llm.openai_model import OpenAIModel, opened_client
from domain.erasing import Erasure, ErasureKind
from tests.adapters.test_openai_model import _a_request, asked
from tests.builders import an_id

SECONDS = 20.0


@pytest.fixture
async def client(openai_process, openai_controls) -> AsyncIterator:
    async with opened_client("any", openai_process.url) as client:
        yield client


@pytest.fixture
def eraser(client) -> OpenAIEraser:
    return OpenAIEraser(client)


def _conversation(id_: str) -> Erasure:
    return Erasure(ErasureKind.CONVERSATION, id_, 1)


async def _is_gone(eraser: OpenAIEraser, erasure: Erasure) -> bool:
    (is_gone,) = await eraser.erase([erasure], SECONDS)
    return is_gone


async def test_a_conversation_goes_with_its_items_and_responses_by_themselves(client, eraser, openai_controls) -> None:
    model = OpenAIModel(client)
    conversation = (await model.open_conversation(an_id(), (), 5)).id
    answered = await model.answer(_a_request(conversation, questions=asked("Hello")))

    assert await _is_gone(eraser, _conversation(conversation))
    assert await _is_gone(eraser, Erasure(ErasureKind.RESPONSE, answered.response_id, 1))

    changes = [record["outcome"] for record in await openai_controls.records("conversation")]
    assert changes[0] == "create"
    assert changes[-1] == "delete"
    assert changes[1:-1] == ["delete_item"] * (len(changes) - 2)
    assert len(changes) > 3
    assert await _is_gone(eraser, _conversation(conversation))
    assert await _is_gone(eraser, Erasure(ErasureKind.RESPONSE, answered.response_id, 1))


async def test_what_never_was_there_is_gone(eraser) -> None:
    unknown = [_conversation("conv_unknown"), Erasure(ErasureKind.RESPONSE, "resp_unknown", 1)]
    assert await eraser.erase(unknown, SECONDS) == [True, True]


async def test_a_provider_that_fails_is_asked_again_later(provider) -> None:
    async with opened_client("any", provider.url) as client:
        eraser = OpenAIEraser(client)
        for status in (400, 401, 429, 500):
            provider.says(status, b'{"error": {"message": "no", "code": "no"}}')
            assert not await _is_gone(eraser, _conversation("conv_1"))
        provider.cuts()
        assert not await _is_gone(eraser, _conversation("conv_1"))
        provider.says(200, b"no list")
        assert not await _is_gone(eraser, _conversation("conv_1"))
        assert {asked.path for asked in provider.asked} == {"/conversations/conv_1/items"}


async def test_a_404_that_is_not_about_the_thing_is_no_erasure(provider) -> None:
    async with opened_client("any", provider.url) as client:
        provider.says(404, b"not here")
        assert not await _is_gone(OpenAIEraser(client), _conversation("conv_1"))
