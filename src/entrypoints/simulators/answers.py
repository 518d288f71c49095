"""Answers in JSON, and bodies read as JSON."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.faults import Fault, FaultError

Json = dict[str, Any]
# Whatever JSON can say; what is in it is found out by looking.
JsonValue = Any

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_LEFT_POLL_SECONDS = 0.1


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer with a request id of its own, as both APIs send one."""
    return raw_answer(_encode(value), status, headers)


def raw_answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that calls itself JSON, whatever is in it."""
    complete = {"Content-Type": "application/json", "x-request-id": f"req_{secrets.token_hex(16)}"}
    return Response(body=body, status=status, headers=complete | dict(headers or {}))


async def read_object(request: BaseRequest) -> Json:
    """The body as a JSON object; an empty body is an empty object. Raises FaultError (400) otherwise."""
    body = await request.read()
    try:
        value = _decode(body) if body else {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FaultError(_not_json(f"We could not parse the JSON body of your request: {error}")) from error
    if not isinstance(value, dict):
        raise FaultError(_not_json("The JSON body of your request is not an object."))
    return value


async def client_left(request: BaseRequest) -> None:
    """Return when the client has closed its connection."""
    # The server has no event for it, unless it cancels handlers, which would stop work that must go on.
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(_LEFT_POLL_SECONDS)


def _not_json(message: str) -> Fault:
    return Fault(http_status=400, message=message, type="invalid_request_error")
