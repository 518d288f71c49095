"""Alerts: what a person should look at, open until its cause has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class AlertKind(StrEnum):
    """What is wrong; the subject of an alert says with what."""

    QUEUE_OVERFLOW = "queue_overflow"
    SEND_UNDECIDED = "send_undecided"
    CREDITS_EXHAUSTED = "credits_exhausted"
    MESSAGE_SET_ASIDE = "message_set_aside"
    PROVIDER_OUTAGE = "provider_outage"
    ACCESS_REFUSED = "access_refused"
    CHANNEL_PARKED = "channel_parked"
    AUTO_REPLIER = "auto_replier"
    REQUEST_REFUSED = "request_refused"
    EXTRACTIONS_FAILING = "extractions_failing"
    LOW_BALANCE = "low_balance"
    QUEUE_FILLING = "queue_filling"
    REPLY_OVERDUE = "reply_overdue"
    WORKER_SILENT = "worker_silent"
    WORKERS_GONE = "workers_gone"
    CHANNEL_RESTRICTED = "channel_restricted"
    TOKEN_ENDING = "token_ending"  # noqa: S105 - the name of a cause
    MODEL_ENDING = "model_ending"


class AlertState(StrEnum):
    """Whether the cause still lasts."""

    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """One cause, from when it was first seen to its end.

    `subject` is the id of what it is about (a message, a phone number, a user, a provider's name) and `user_id`
    whose it is, None when it is the house's own. `detail` is for people and holds nothing a customer said.
    `times` counts how often the cause was reported while the alert was open.
    """

    id: UUID
    user_id: UUID | None
    kind: AlertKind
    subject: str
    detail: str
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    times: int

    @property
    def created_at(self) -> datetime:
        """What lists are sorted by, as for everything that is listed."""
        return self.opened_at
