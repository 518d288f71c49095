"""A question as an item of the Responses API: the words first, then files, and notes for those that are not shown."""

from __future__ import annotations

import base64
from typing import Any

from application.ports.language_model import FILE_TYPES, IMAGE_TYPES, Asked, Shown

FILE_REFUSALS = frozenset(
    {
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_content_policy_violation",
        "invalid_image_mode",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    }
)
"""OpenAI's codes for a file it cannot or will not read; without the file the question can be answered."""


class FilesRefused(Exception):
    """OpenAI took nothing of the request because of a file in it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def item_of(question: Asked, *, is_shown: bool) -> dict[str, Any]:
    """The item. Words alone stay a plain text; otherwise they are the first part, by which they are known again."""
    if not question.shown and not question.notes:
        return {"role": "user", "content": question.text}
    files = [_part(file) if is_shown else _text(file.instead) for file in question.shown]
    return {"role": "user", "content": [_text(question.text), *files, *map(_text, question.notes)]}


def _text(text: str) -> dict[str, Any]:
    return {"type": "input_text", "text": text}


def _part(file: Shown) -> dict[str, Any]:
    """Source: InputImageContent and InputFileContent of the API's description. Both take the file as a data URL."""
    url = f"data:{file.mime_type};base64,{base64.b64encode(file.content).decode()}"
    if file.mime_type in IMAGE_TYPES:
        return {"type": "input_image", "detail": "auto", "image_url": url}
    return {"type": "input_file", "filename": _named(file), "file_data": url}


def _named(file: Shown) -> str:
    """OpenAI tells files apart by the ending of their name."""
    ending = f".{FILE_TYPES[file.mime_type]}"
    return file.filename if file.filename.lower().endswith(ending) else f"{file.filename}{ending}"
