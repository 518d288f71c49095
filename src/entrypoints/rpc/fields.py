"""Between the words of protobuf and ours: ids, times, enumerations, pages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.json_format import MessageToDict, SerializeToJsonError
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import to_builtins

from application.pages import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PageRequest
from domain.shared import InvalidInput, checked_text

TEXT_LENGTH_MAX = 1_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_SECONDS = 86_400
ORDERS = {"": False, "create_time": False, "create_time desc": True}


def uuid_in(text: str, field: str) -> UUID:
    """The id that `text` spells. Raises InvalidInput."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(field, "It must be a UUID.") from None


def optional_uuid_in(text: str, field: str) -> UUID | None:
    """The same for a filter, which is open when it is empty. Raises InvalidInput."""
    return uuid_in(text, field) if text else None


def optional_text_in(text: str, field: str) -> str | None:
    """`text` where there is any. Raises InvalidInput for what no store can compare with."""
    return checked_text(text, field, TEXT_LENGTH_MAX) if text else None


def optional_time_in(time: Timestamp, field: str) -> datetime | None:
    """The moment, None for the unset one. Raises InvalidInput for one outside the calendar."""
    if not (time.seconds or time.nanos):
        return None
    try:
        return time.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(field, "It must lie between the years 1 and 9999.") from None


def tell_time(told: Timestamp, time: datetime) -> None:
    """Set `told` to the moment; reckoned here, for lists are full of them and the library takes its time."""
    since = time - EPOCH
    told.seconds = since.days * DAY_SECONDS + since.seconds
    told.nanos = since.microseconds * 1_000


def time_out(time: datetime) -> Timestamp:
    """The moment as protobuf has it."""
    told = Timestamp()
    tell_time(told, time)
    return told


def optional_time_out(time: datetime | None) -> Timestamp | None:
    """The moment as protobuf has it, where there is one."""
    return None if time is None else time_out(time)


id_out: Callable[[UUID], str] = to_builtins
"""The id as it is written; by msgspec, for lists are full of them and `str` takes four times as long."""


def optional_id_out(id_: UUID | None) -> str | None:
    """The id as it is written, where there is one."""
    return None if id_ is None else id_out(id_)


def struct_in(struct: Struct, field: str) -> dict[str, Any]:
    """The object that it holds; whole numbers are whole again. Raises InvalidInput for what no JSON can say."""
    try:
        return MessageToDict(struct)
    except (SerializeToJsonError, ValueError):
        raise InvalidInput(field, "A number in it must be finite, and every value be set.") from None


def struct_of(values: Mapping[str, Any]) -> Struct:
    """An object of ours as protobuf has it."""
    struct = Struct()
    struct.update(values)
    return struct


def struct_out(values: Mapping[str, Any] | None) -> Struct | None:
    """The same, where there is one."""
    return None if values is None else struct_of(values)


def value_out(value: Any) -> Value:  # noqa: ANN401 - JSON
    """Any JSON as protobuf has it."""
    holder = Struct()
    holder["value"] = value
    return holder.fields["value"]


def given_in(request: Message, changeable: Collection[str]) -> Sequence[str]:
    """The fields that an update is about, by AIP-134: those its mask names, or without one those it has.

    Raises InvalidInput for a mask that names anything else.
    """
    if not request.HasField("update_mask"):
        return [field.name for field, _ in request.ListFields() if field.name in changeable]
    paths: Sequence[str] = request.update_mask.paths  # type: ignore[attr-defined]
    for path in paths:
        if path not in changeable:
            raise InvalidInput("update_mask", f"It may name {', '.join(sorted(changeable))}.")
    return paths


def kept_in(request: Message, field: str) -> Any:  # noqa: ANN401 - whatever the field holds
    """The value of a field that an update cannot empty. Raises InvalidInput when it is not there."""
    if not request.HasField(field):
        raise InvalidInput(field, "It can be changed, and not be taken away.")
    return getattr(request, field)


def emptied_in(request: Message, field: str) -> Any:  # noqa: ANN401 - whatever the field holds
    """The value of a field; None when it is not there."""
    return getattr(request, field) if request.HasField(field) else None


def page_in(page_size: int, page_token: str, order_by: str) -> PageRequest:
    """The page that is asked for, by the rules of AIP-158 and AIP-132. Raises InvalidInput."""
    if page_size < 0:
        raise InvalidInput("page_size", "It must not be negative.")
    if order_by not in ORDERS:
        raise InvalidInput("order_by", "It must be create_time or create_time desc.")
    limit = min(page_size, PAGE_SIZE_MAX) or PAGE_SIZE_DEFAULT
    return PageRequest(limit, optional_text_in(page_token, "page_token"), newest_first=ORDERS[order_by])


def word_in(kind: EnumDescriptor, number: int, field: str) -> str | None:
    """Our word for an enumeration's value, None for the unspecified one. Raises InvalidInput for an unknown one."""
    if number not in kind.values_by_number:
        raise InvalidInput(field, f"{number} is not one of the values of {kind.name}.")
    return kind.values_by_number[number].name.removeprefix(_prefix(kind)).lower() if number else None


def known_word_in(kind: EnumDescriptor, number: int, field: str) -> str:
    """The same where it has to be said. Raises InvalidInput for the unspecified one too."""
    word = word_in(kind, number, field)
    if word is None:
        raise InvalidInput(field, f"It must be one of the values of {kind.name}.")
    return word


@cache
def numbers_of(kind: EnumDescriptor) -> Mapping[str, int]:
    """The values of the enumeration by our words."""
    prefix = _prefix(kind)
    return {name.removeprefix(prefix).lower(): value.number for name, value in kind.values_by_name.items()}


def number_out(kind: EnumDescriptor, word: str) -> int:
    """The value of the enumeration for our word; the unspecified one for a word that it does not have."""
    return numbers_of(kind).get(word, 0)


def _prefix(kind: EnumDescriptor) -> str:
    return kind.values_by_number[0].name.removesuffix("UNSPECIFIED")
