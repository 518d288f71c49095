"""Reading requests strictly: what cannot be read, or bears fields that nobody knows here, is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from domain.shared import InvalidInput


def read_request(data: Any, deserialize: Callable[[bytes], Any] | None) -> Any:  # noqa: ANN401 - of any method
    """The message that `data` holds. Raises InvalidInput."""
    if deserialize is None:
        return data
    try:
        message = deserialize(data)
    except DecodeError:
        raise InvalidInput("", "It is no message of this method, or nested too deeply.") from None
    for field in _unknown_fields(message, ""):
        raise InvalidInput(field, "There is no such field.")
    return message


def _unknown_fields(message: Message, place: str) -> Iterable[str]:
    """The numbers of fields that the message bears and its kind does not have, with the way to them."""
    unknown = UnknownFieldSet(message)
    yield from (f"{place}{unknown[index].field_number}" for index in range(len(unknown)))
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for each in value if field.is_repeated else [value]:
            yield from _unknown_fields(each, f"{place}{field.name}.")
