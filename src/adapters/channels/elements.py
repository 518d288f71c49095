"""One element of a delivery at a time, so that a bad one spoils no other."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from domain.channels import Delivery

T = TypeVar("T")
Default = TypeVar("Default")


def decoded(raw: msgspec.Raw, type_: type[T], delivery: Delivery, default: Default) -> T | Default:
    """The element as a `type_`; when it is none, it is counted as unreadable and `default` stands for it."""
    try:
        return msgspec.json.decode(raw, type=type_)
    except (msgspec.DecodeError, RecursionError):
        delivery.unreadable += 1
        return default
