"""A channel's health: what the platform told of accounts and threads, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.channels import ChannelType


@dataclass(frozen=True, slots=True)
class KeptNotice:
    """A notice (see domain.channels.Notice): `occurred_at` is the platform's time, `created_at` when it came to us."""

    id: UUID
    channel: ChannelType
    account: str | None
    business: str | None
    field: str
    content: dict[str, Any]
    occurred_at: datetime
    created_at: datetime


RESTRICTING = (
    "ACCOUNT_RESTRICTION", "DISABLED_UPDATE", "DISABLE", "SCHEDULE_FOR_DISABLE", "ACCOUNT_DELETED",
    "ACCOUNT_OFFBOARDED", "FLAGGED",
)  # fmt: skip
"""What `account_update` and `phone_number_quality_update` call a restriction: the state of a ban, else the event."""
LIFTING = ("REINSTATE", "ACCOUNT_RECONNECTED", "UNFLAGGED")
