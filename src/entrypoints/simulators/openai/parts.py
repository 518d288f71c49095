"""The parts of a message: texts, and images and files as data URLs, refused as the original refuses them."""

import base64
import binascii
import re

from entrypoints.simulators.answers import Json
from entrypoints.simulators.faults import FaultError
from entrypoints.simulators.openai.errors import refused

_DATA_URL = re.compile(r"data:([a-z0-9.+/-]*);base64,(.*)", re.DOTALL)
_IMAGE_STARTS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
_IMAGE_URL_LENGTH_MAX = 20_971_520
_FILE_DATA_LENGTH_MAX = 73_400_320
_FILE_ENDINGS = frozenset(
    "pdf txt md json html xml doc docx rtf odt ppt pptx csv tsv xls xlsx".split()  # noqa: SIM905 - read as one line
)
_TYPES_OF_INPUT = frozenset({"input_text", "input_image", "input_file"})


def demand_part(part: Json, role: str, param: str) -> None:
    """Raises FaultError (400) for a part that the original does not take. `param` is its place."""
    kind = part.get("type")
    if role != "assistant" and kind not in _TYPES_OF_INPUT:
        known = ", ".join(f"'{name}'" for name in sorted(_TYPES_OF_INPUT))
        raise _wrong(f"Invalid value: '{kind}'. Supported values are: {known}.", f"{param}.type")
    if kind == "input_image" and not part.get("file_id"):
        _demand_image(part.get("image_url"), f"{param}.image_url")
    if kind == "input_file" and not (part.get("file_id") or part.get("file_url")):
        _demand_file(part, f"{param}.file_data")


def _demand_image(url: object, param: str) -> None:
    if isinstance(url, str) and url.startswith("https://"):
        return
    found = _DATA_URL.fullmatch(url) if isinstance(url, str) else None
    if found is None:
        raise refused("Invalid 'image_url': it must be a URL or a data URL.", param=param, code="invalid_image_url")
    if len(found[0]) > _IMAGE_URL_LENGTH_MAX:
        raise refused("The image is too large.", param=param, code="image_too_large")
    content = _decoded(found[2])
    if content is None:
        raise refused("Invalid base64 image_url.", param=param, code="invalid_base64_image")
    if found[1] not in _IMAGE_STARTS:
        raise refused(f"Unsupported media type {found[1]}.", param=param, code="unsupported_image_media_type")
    if not content:
        raise refused("The image is empty.", param=param, code="empty_image_file")
    if not content.startswith(_IMAGE_STARTS[found[1]]):
        raise refused("The image could not be parsed.", param=param, code="image_parse_error")


def _demand_file(part: Json, param: str) -> None:
    data, filename = part.get("file_data"), part.get("filename")
    if not isinstance(data, str) or not isinstance(filename, str) or not filename:
        raise refused("Missing required parameter.", param=param, code="missing_required_parameter")
    found = _DATA_URL.fullmatch(data)
    if found is None or len(data) > _FILE_DATA_LENGTH_MAX or not _decoded(found[2]):
        raise _wrong("Expected a base64-encoded data URL with a MIME type.", param)
    ending = filename.rpartition(".")[2].lower()
    if ending not in _FILE_ENDINGS:
        raise _wrong(f"Expected file type to be a supported format but got .{ending}.", param)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def _wrong(message: str, param: str) -> FaultError:
    return refused(message, param=param, code="invalid_value")
