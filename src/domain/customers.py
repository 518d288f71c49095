"""What is on record of one customer: who they are, what they agreed to, and the turns in which they were answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.channels import ChannelType


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer as their business knows them; `aliases` are all that the platform calls them, now or before."""

    id: UUID
    user_id: UUID
    type: ChannelType
    address: str
    name: str | None
    username: str | None
    aliases: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """A STOP or START on record: with which message, on which phone number."""

    id: UUID
    phone_number_id: UUID
    kind: str
    message_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PastTurn:
    """A turn as it was recorded; `created_at` is when it began."""

    id: UUID
    conversation_id: UUID
    status: str
    reason: str | None
    error: dict[str, Any] | None
    attempts: int
    prompt_id: str | None
    prompt_version: int | None
    model: str | None
    response_id: str | None
    input_tokens: int | None
    output_tokens: int | None
    created_at: datetime
    ended_at: datetime | None
