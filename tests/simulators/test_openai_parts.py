"""Images and files in a request: taken and refused as the original does."""

from __future__ import annotations

import base64

import openai
import pytest

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
PDF = base64.b64encode(b"%PDF-1.7").decode()


def an_image(url: object) -> dict:
    return {"type": "input_image", "detail": "auto", "image_url": url}


def a_file(data: object, filename: object = "menu.pdf") -> dict:
    return {"type": "input_file", "filename": filename, "file_data": data}


async def asked(client, part: dict):
    content = [{"type": "input_text", "text": "This?"}, part]
    return await client.responses.create(model="m", input=[{"role": "user", "content": content}])


@pytest.mark.parametrize(
    "part",
    [
        an_image(f"data:image/png;base64,{PNG}"),
        an_image("https://example.org/cake.png"),
        a_file(f"data:application/pdf;base64,{PDF}"),
        a_file(f"data:text/csv;base64,{PDF}", "prices.CSV"),
        {"type": "input_file", "file_id": "file-1"},
    ],
    ids=str,
)
async def test_what_the_original_takes_is_taken(client, part):
    response = await asked(client, part)
    assert "This?" in response.output_text


@pytest.mark.parametrize(
    ("part", "code", "param"),
    [
        (an_image(f"data:image/heic;base64,{PNG}"), "unsupported_image_media_type", "image_url"),
        (an_image(f"data:image/jpeg;base64,{PNG}"), "image_parse_error", "image_url"),
        (an_image("data:image/png;base64,???"), "invalid_base64_image", "image_url"),
        (an_image("data:image/png;base64,"), "empty_image_file", "image_url"),
        (an_image("data:image/png;base64," + "A" * 20_971_520), "image_too_large", "image_url"),
        (an_image("http://example.org/x"), "invalid_image_url", "image_url"),
        (an_image(None), "invalid_image_url", "image_url"),
        (a_file(PDF), "invalid_value", "file_data"),
        (a_file(f"data:application/pdf;base64,{PDF}", "menu.exe"), "invalid_value", "file_data"),
        (a_file(f"data:application/pdf;base64,{PDF}", None), "missing_required_parameter", "file_data"),
        (a_file(None), "missing_required_parameter", "file_data"),
        ({"type": "input_audio", "input_audio": {}}, "invalid_value", "type"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_what_the_original_refuses_is_refused_with_its_place(client, part, code, param):
    with pytest.raises(openai.BadRequestError) as refused:
        await asked(client, part)
    assert (refused.value.code, refused.value.param) == (code, f"input[0].content[1].{param}")
