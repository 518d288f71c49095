"""One element of a delivery at a time, so that a bad one spoils no other."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from domain.channels import Delivery

T = TypeVar("T")
Default = TypeVar("Default")

NO_ELEMENTS = msgspec.Raw(b"[]")


def decoded(raw: msgspec.Raw, type_: type[T], delivery: Delivery, default: Default) -> T | Default:
    """The element as a `type_`; when it is none, it is counted as unreadable and `default` stands for it."""
    try:
        return msgspec.json.decode(raw, type=type_)
    except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors, as is what is no UTF-8
        delivery.unreadable += 1
        return default


def elements(raw: msgspec.Raw, delivery: Delivery) -> list[msgspec.Raw]:
    """The elements of a list, undecoded; what is no list is counted and has none."""
    return decoded(raw, list[msgspec.Raw], delivery, [])
