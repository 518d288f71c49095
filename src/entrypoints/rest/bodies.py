"""Reading bodies and writing answers: strictly in, by field name out."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.exceptions import ClientException

from domain.shared import InvalidInput, storable
from entrypoints.rest.errors import NotJson
from entrypoints.rest.knowledge import known_of

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")
_PLACE = re.compile(r"^(.*?)(?: - at `\$\.?(.*)`)?$", re.DOTALL)
_FIELD = re.compile(r"field `([^`]*)`")


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body becomes its route's Struct at once and strictly.

    The framework's own way goes through plain dictionaries and takes "5" and true for numbers.
    """

    async def json(self) -> object:
        """The body as the type of the route's `data`. Raises NotJson, or InvalidInput that names the field."""
        expected = self.route_handler.parsed_data_field
        body = await self.body()
        if expected and expected.is_optional and not body:
            return None
        return decoded(body, expected.annotation if expected else object)


async def must_be_understood(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Before every route: what stands in the query must mean something, and a body be JSON. Raises as below.

    Who asks what may be done at the path is told: the framework would name some of the methods only.
    """
    if request.method == HttpMethod.OPTIONS:
        return Response(None, status_code=204, headers={"allow": ", ".join(sorted(known_of(request).methods))})
    must_know_parameters(request)
    await must_send_json(request)
    return None


def must_know_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise InvalidInput that names the first parameter that means nothing to the route, or comes twice."""
    pairs = list(request.query_params.multi_items())
    if not pairs:
        return
    known, given = known_of(request), [name for name, _ in pairs]
    for name, value in pairs:
        if name not in known.parameters:
            raise InvalidInput(storable(name), "There is no such parameter.")
        if given.count(name) > 1:
            raise InvalidInput(name, "It must be given once only.")
        if name in known.wordless and value.lower() == "null":
            raise InvalidInput(name, "It must have a value, or be left out.")
        if name in known.times and not _DATE.match(value):
            raise InvalidInput(name, "It must be a time with its zone, such as 2026-11-22T09:30:00Z.")


async def must_send_json(request: Request[Any, Any, Any]) -> None:
    """Before a route that takes a body: it must be said to be JSON, and be there. Raises the 415 or NotJson."""
    expected = request.route_handler.parsed_data_field
    if expected is None or (expected.is_optional and not await request.body()):
        return
    media_type = request.content_type[0].lower()
    if media_type != "application/json":
        raise ClientException("The body must be application/json.", status_code=415)
    if not await request.body():
        raise NotJson("", "The body is empty; it must be a JSON object.")


def decoded(body: bytes, type_: type[T]) -> T:
    """`body` as that type. Raises NotJson, or InvalidInput that names the field."""
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        _must_be_json(body)
        raise _named(str(error)) from None
    except UNREADABLE:
        raise NotJson("", "The body is not JSON, or nested too deeply.") from None


def _must_be_json(body: bytes) -> None:
    # A wrong value may stand before broken syntax, and syntax is to be told first.
    try:
        msgspec.json.decode(body)
    except msgspec.ValidationError:
        return
    except UNREADABLE:
        raise NotJson("", "The body is not JSON, or nested too deeply.") from None


def given(changes: msgspec.Struct) -> dict[str, Any]:
    """What a PATCH names: a field that is absent stays as it is, one that is null is emptied."""
    values = ((name, getattr(changes, name)) for name in changes.__struct_fields__)
    return {name: value for name, value in values if value is not msgspec.UNSET}


def view(type_: type[T], thing: object) -> T:
    """`thing` in the contract's words: the fields of `type_`, and no other."""
    return msgspec.convert(thing, type_, from_attributes=True)


def _named(message: str) -> InvalidInput:
    """The field stands in the path, in the words (unknown or missing), or in both."""
    match = _PLACE.match(message)
    detail, place = (match[1], match[2] or "") if match else (message, "")
    named = _FIELD.search(detail)
    return InvalidInput(".".join(part for part in (place, named[1] if named else "") if part), f"{detail}.")
