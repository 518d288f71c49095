"""A run: one reading of one conversation, up to one message, in at most three attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.shared import Conflict

ATTEMPTS_MAX = 3
BACK_OFF_SECONDS = 10.0
GIVE_UP_HOURS = 6.0
"""How long a run waits for a provider that is out; those waits are no attempts."""
FAILING_IN_A_ROW = 3
"""So many conversations of a business that fail one after the other are told to people."""


class NothingToRead(Conflict):
    """Nobody has written anything in the conversation."""

    code = "nothing_to_read"


class ExtractionStatus(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class Origin(StrEnum):
    """Why it was opened: the conversation went quiet, or somebody asked."""

    QUIET = "quiet"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Extraction:
    """A run as it is kept and shown.

    It reads what was said up to `through_sequence_number`. `data` holds the proved values, `evidence` the numbers of
    the messages that prove each, `dropped` why others were not believed. `errors` tells of each failed attempt. The
    tokens are those of all its attempts.
    """

    id: UUID
    user_id: UUID
    conversation_id: UUID
    agent_id: UUID | None
    origin: Origin
    status: ExtractionStatus
    attempt: int
    through_sequence_number: int
    data: Mapping[str, Any] | None
    evidence: Mapping[str, Sequence[int]] | None
    dropped: Mapping[str, str] | None
    errors: Sequence[Mapping[str, Any]]
    form_digest: str | None
    prompt_version: int | None
    model: str | None
    input_tokens: int
    output_tokens: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunError:
    """Why an attempt failed: `code` for programs, `detail` for people and, where it may help, for the model."""

    attempt: int
    code: str
    detail: str


def back_off_seconds(attempt: int) -> float:
    """How long to wait after that many attempts: 10 s, 40 s."""
    return BACK_OFF_SECONDS * float(4 ** (attempt - 1))


def is_too_old(opened_at: datetime, now: datetime) -> bool:
    """Whether a run has waited long enough for a provider that is out."""
    return now - opened_at > timedelta(hours=GIVE_UP_HOURS)
