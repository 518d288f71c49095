"""When each alert opens and when it ends: one line a kind. Where the two differ it does not come and go at the edge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.monitoring import Alert, AlertKind

UNDECIDED_SECONDS = 60.0
"""How long a send may stay undecided before somebody is told: platforms report on theirs within seconds."""
OVERDUE_SECONDS = 300.0
QUEUE_CAPACITY = 10_000


class Severity(StrEnum):
    """How soon somebody should look: at once, or today."""

    CRITICAL = "critical"
    WARNING = "warning"


class Told(StrEnum):
    """Whose it is: the administrator's alone, or also the user's whom it is about."""

    ADMINISTRATOR = "administrator"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Limits:
    """The figures between which a cause neither opens an alert nor ends one. Their unit stands in the rule's words."""

    opens_at: float = 0.0
    ends_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """`opens` and `ends` are for people. One with `limits` is looked for all the time, others are reported."""

    kind: AlertKind
    severity: Severity
    told: Told
    opens: str
    ends: str
    limits: Limits | None = None


_NOW, _TODAY = Severity.CRITICAL, Severity.WARNING
_HOUSE, _USER = Told.ADMINISTRATOR, Told.USER


def rules(
    *,
    undecided_seconds: float = UNDECIDED_SECONDS,
    overdue_seconds: float = OVERDUE_SECONDS,
    queue_capacity: int = QUEUE_CAPACITY,
) -> tuple[Rule, ...]:
    """All rules. A queue is near its capacity from four fifths on, until less than three fifths are taken."""
    kind, near, far = AlertKind, 0.8 * queue_capacity, 0.6 * queue_capacity
    undecided, overdue = Limits(undecided_seconds), Limits(overdue_seconds, overdue_seconds / 2)
    return (
        Rule(
            kind.PROVIDER_OUTAGE, _NOW, _HOUSE,
            "five calls in a row failed", "a call is answered",
        ),
        Rule(
            kind.WORKERS_GONE, _NOW, _HOUSE,
            "a message has waited 30 seconds and no worker is alive", "a worker is alive",
            Limits(30),
        ),
        Rule(
            kind.WORKER_SILENT, _TODAY, _HOUSE,
            "a worker has been silent for 30 seconds beyond its lease",
            "it is heard again or taken out, or an hour has passed",
            Limits(30, 3_600),
        ),
        Rule(
            kind.QUEUE_FILLING, _TODAY, _USER,
            "as many turns wait as are 80 % of the queue's capacity", "fewer wait than 60 % of it",
            Limits(near, far),
        ),
        Rule(
            kind.QUEUE_OVERFLOW, _NOW, _USER,
            "the queue is full", "fewer turns wait than 80 % of its capacity",
            Limits(ends_at=near),
        ),
        Rule(
            kind.REPLY_OVERDUE, _NOW, _USER,
            "a message has waited longer than OVERDUE_SECONDS", "none waits longer than half of that",
            overdue,
        ),
        Rule(
            kind.SEND_UNDECIDED, _NOW, _USER,
            "the platform has not said for UNDECIDED_SECONDS whether it took a message", "it is decided",
            undecided,
        ),
        Rule(
            kind.MESSAGE_SET_ASIDE, _NOW, _USER,
            "three workers ended while they answered a message",
            "a later message of the conversation is answered, or seven days have passed",
            Limits(ends_at=7),
        ),
        Rule(
            kind.REQUEST_REFUSED, _NOW, _USER,
            "the platform calls what was asked of it wrong",
            "a later reply from the phone number is taken, or seven days have passed",
            Limits(ends_at=7),
        ),
        Rule(
            kind.ACCESS_REFUSED, _NOW, _USER,
            "the platform refuses the access token: it has ended or was withdrawn",
            "a new one is set, or the phone number is removed",
            Limits(),
        ),
        Rule(
            kind.TOKEN_ENDING, _TODAY, _USER,
            "an access token ends within 3 days and could not be renewed", "one is there that lasts 7 days",
            Limits(3, 7),
        ),
        Rule(
            kind.CHANNEL_PARKED, _NOW, _USER,
            "the platform takes nothing from the phone number",
            "it is set active again, or removed",
            Limits(),
        ),
        Rule(
            kind.CHANNEL_RESTRICTED, _NOW, _USER,
            "the platform tells that it restricts the account or flags the number",
            "it lifts that, or its time is over",
            Limits(),
        ),
        Rule(
            kind.CREDITS_EXHAUSTED, _NOW, _USER,
            "messages wait for credits", "there are credits again",
            Limits(),
        ),
        Rule(
            kind.LOW_BALANCE, _TODAY, _USER,
            "fewer credits are available than the user's threshold", "more are available than that",
            Limits(),
        ),
        Rule(
            kind.EXTRACTIONS_FAILING, _TODAY, _USER,
            "three conversations in a row could not be read", "one is read",
        ),
        Rule(
            kind.AUTO_REPLIER, _TODAY, _USER,
            "somebody's machine seems to answer ours",
            "the conversation is resumed, taken over by a person, archived or removed",
            Limits(),
        ),
        Rule(
            kind.MODEL_ENDING, _TODAY, _USER,
            "a prompt in use or a setting names a model with a shutdown date",
            "it names another, or the date is withdrawn",
        ),
    )  # fmt: skip


RULES = {rule.kind: rule for rule in rules()}


def severity_of(alert: Alert) -> Severity:
    """How soon somebody should look at it."""
    return RULES[alert.kind].severity
