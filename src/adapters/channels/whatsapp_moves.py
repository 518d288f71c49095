"""WhatsApp: the field that tells of new user ids."""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.channels.values import identifier, mapping, moment
from domain.channels import ChannelType, Delivery, Move


class Update(msgspec.Struct):
    """A customer's new user id, and the new one above it: each with `previous` and `current`."""

    user_id: Any = None
    parent_user_id: Any = None
    wa_id: Any = None
    timestamp: Any = None


def add_moves(delivery: Delivery, update: Update, *, account: str | None) -> None:
    """Add what moved; an element that tells of nothing is counted as unreadable."""
    number = identifier(update.wa_id)
    user_id = _pair(update.user_id, number)
    pairs = [pair for pair in (user_id, _pair(update.parent_user_id, None)) if pair]
    if not (account and pairs):
        delivery.unreadable += 1
        return
    at = moment(update.timestamp)
    delivery.moves += [Move(ChannelType.WHATSAPP, account, before, after, at) for before, after in pairs]


def _pair(told: object, fallback: str | None) -> tuple[str, str] | None:
    before = identifier(mapping(told).get("previous")) or fallback
    after = identifier(mapping(told).get("current"))
    return (before, after) if before and after and before != after else None
