"""Files shown to the model, refused by it, and known again afterwards."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator

import pytest

from adapters.llm.openai_answers import Item, read_items
from adapters.llm.openai_input import FILE_REFUSALS, item_of
from adapters.llm.openai_model import OpenAIModel
from application.ports.language_model import FILE_TYPES, Asked, Shown
from domain.answers import Answered, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.channels import MediumKind
from domain.conversations import UnansweredReason
from tests.adapters.test_openai_model import _a_model, _a_request
from tests.builders import an_id
from tests.simulators.description import assert_fits

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def an_image(content: bytes = PNG, mime_type: str = "image/png") -> Shown:
    return Shown(MediumKind.IMAGE, mime_type, "image", content, "[An image.]")


def a_document(mime_type: str = "application/pdf", filename: str = "menu") -> Shown:
    return Shown(MediumKind.DOCUMENT, mime_type, filename, b"%PDF-1.7", "[A document.]")


@pytest.fixture
async def model(openai_process, openai_controls) -> AsyncIterator[OpenAIModel]:
    async for model in _a_model(openai_process.url):
        yield model


@pytest.fixture
async def conversation(model: OpenAIModel) -> str:
    return (await model.open_conversation(an_id(), (), 5)).id


def test_words_alone_are_a_plain_text() -> None:
    assert item_of(Asked("Hello"), is_shown=True) == {"role": "user", "content": "Hello"}


def test_words_come_first_then_files_then_notes() -> None:
    asked = Asked("This?", (an_image(), a_document()), ("[A voice message.]",))
    item = item_of(asked, is_shown=True)
    assert_fits(item, "EasyInputMessage")
    words, image, file, note = item["content"]
    data = base64.b64encode(PNG).decode()
    assert words == {"type": "input_text", "text": "This?"}
    assert image == {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{data}"}
    assert (file["type"], file["filename"]) == ("input_file", "menu.pdf")
    assert file["file_data"].startswith("data:application/pdf;base64,")
    assert note == {"type": "input_text", "text": "[A voice message.]"}
    told = item_of(asked, is_shown=False)
    assert [part["text"] for part in told["content"]] == ["This?", "[An image.]", "[A document.]", "[A voice message.]"]


@pytest.mark.parametrize("mime_type", FILE_TYPES)
async def test_every_type_of_file_in_the_table_is_taken(model, conversation, mime_type) -> None:
    request = _a_request(conversation, questions=(Asked("This?", (a_document(mime_type),)),))
    assert isinstance(await model.answer(request), Answered)


async def test_an_image_is_taken_with_its_question(model, conversation, openai_controls) -> None:
    request = _a_request(conversation, questions=(Asked("This?", (an_image(),), ("[A voice message.]",)),))
    assert isinstance(await model.answer(request), Answered)
    (record,) = await openai_controls.records("response")
    assert record["text"] == "This?\n[A voice message.]"


@pytest.mark.parametrize(
    "file",
    [an_image(b"no image"), an_image(b""), an_image(b"\xff\xd8\xff", "image/png")],
    ids=["text", "empty", "other"],
)
async def test_a_question_whose_file_is_refused_is_asked_again_without_it(
    model, conversation, openai_controls, file
) -> None:
    request = _a_request(conversation, questions=(Asked("This?", (file,)),))

    refused, answered = await model.answer(request), await model.answer(request)

    assert isinstance(refused, TryAgain)
    assert refused.after_seconds == 0
    assert isinstance(answered, Answered)
    assert [record["accepted"] for record in await openai_controls.records("response", count=2)] == [False, True]
    assert (await openai_controls.records("response", count=2))[1]["text"] == "This?\n[An image.]"


@pytest.mark.parametrize("then", ["error", "failed"])
@pytest.mark.parametrize("code", sorted(FILE_REFUSALS))
async def test_every_code_against_a_file_is_understood_once(model, conversation, openai_controls, then, code) -> None:
    told = {"error": {"http_status": 400, "code": code}} if then == "error" else {"failed": code}
    await openai_controls.script({"then": told})
    request = _a_request(conversation, questions=(Asked("This?", (an_image(),)),))

    assert isinstance(await model.answer(request), TryAgain)

    again = await model.answer(request)
    assert isinstance(again, NotAnswered)
    assert again.reason is UnansweredReason.MODEL_FAILED


@pytest.mark.parametrize(
    ("param", "expected"),
    [
        ("input[0].content[1].file_data", TryAgain),
        ("input[0].content[2]", TryAgain),
        ("input[0].content[0].text", NotAnswered),
        ("input", NotAnswered),
        ("model", NotAnswered),
    ],
)
async def test_a_refusal_that_names_the_place_of_a_file_is_one_of_the_file(
    model, conversation, openai_controls, param, expected
) -> None:
    error = {"http_status": 400, "code": "invalid_value", "param": param}
    await openai_controls.script({"then": {"error": error}})
    request = _a_request(conversation, questions=(Asked("This?", (an_image(),)),))
    assert isinstance(await model.answer(request), expected)


async def test_a_question_with_files_is_known_again_whether_they_were_shown_or_told(
    model, conversation, openai_controls
) -> None:
    request = _a_request(conversation, questions=(Asked("This?", (an_image(),)), Asked("And this?", (), ("[x]",))))
    assert await model.recall(request) == NotHeard()
    await openai_controls.script({"then": {"accept_and_lose": True, "answer": "A cake."}, "times": 1})
    assert isinstance(await model.answer(request), Uncertain)

    told = (Asked("This?", (), ("[An image is missing.]",)), Asked("And this?"))
    for questions in (request.questions, told):
        found = await model.recall(_a_request(conversation, questions=questions))
        assert isinstance(found, Answered)
        assert found.text == "A cake."


def test_a_note_is_no_question() -> None:
    items = json.dumps([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"},
                        {"type": "input_text", "text": "b"}]}])  # fmt: skip
    import msgspec  # noqa: PLC0415

    read = msgspec.json.decode(items, type=list[Item])
    assert isinstance(read_items(read, ["a"], "m"), TryAgain)
    assert read_items(read, ["ab"], "m") == NotHeard()
    assert read_items(read, ["b"], "m") == NotHeard()
