"""What is about an account or a thread, kept as it came."""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.channels.elements import decoded
from adapters.channels.values import identifier, kept, listed, mapping, moment
from domain.channels import ChannelType, Delivery, Notice
from domain.shared import storable

BYTES_MAX = 64 * 1024
KEYS_MAX = 50
FIELD_LENGTH_MAX = 100


def add_notice(
    delivery: Delivery,
    channel: ChannelType,
    field: str,
    raw: msgspec.Raw,
    *,
    business: str | None,
    account: str | None = None,
    time: object = None,
) -> None:
    """Add what is told under `field`. Of what is larger than 64 KiB only the keys and the size are kept."""
    said = decoded(raw, dict[str, Any], delivery, None)
    if said is None:
        return
    notice = Notice(
        channel=channel,
        account=account or identifier(mapping(said.get("metadata")).get("phone_number_id")),
        business=business,
        field=storable(field)[:FIELD_LENGTH_MAX],
        content=_bounded(said, len(bytes(raw))),
        at=moment(time, said.get("timestamp"), *_times(said, field)),
    )
    delivery.notices.append(notice)


def _bounded(said: dict[str, Any], size_bytes: int) -> dict[str, Any]:
    if size_bytes <= BYTES_MAX:
        return mapping(kept(said))
    keys = [storable(key)[:FIELD_LENGTH_MAX] for key in list(said)[:KEYS_MAX]]
    return {"keys": keys, "bytes": size_bytes}


def _times(said: dict[str, Any], field: str) -> list[Any]:
    """The times of the elements, which many fields keep in a list of the same name."""
    return [mapping(one).get("timestamp") for one in listed(said.get(field))[:1]]
