"""Between the words of protobuf and ours: ids, times, enumerations, pages."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from application.pages import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PageRequest
from domain.shared import InvalidInput, checked_text

TEXT_LENGTH_MAX = 1_000
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


def time_out(time: datetime) -> Timestamp:
    """The moment as protobuf has it."""
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp


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


def number_out(kind: EnumDescriptor, word: str) -> int:
    """The value of the enumeration for our word; the unspecified one for a word that it does not have."""
    value = kind.values_by_name.get(_prefix(kind) + word.upper())
    return value.number if value else 0


def _prefix(kind: EnumDescriptor) -> str:
    return kind.values_by_number[0].name.removesuffix("UNSPECIFIED")
