"""Runs of the extraction: opened when a conversation went quiet or by hand, taken by workers, kept as history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.answers import Once
from domain.answers import Usage
from domain.leads.reading import Reading
from domain.leads.runs import Extraction, ExtractionStatus, RunError
from domain.leads.transcript import Line


@dataclass(frozen=True, slots=True)
class ExtractionFilter:
    """Which runs are wanted; None does not count."""

    conversation_id: UUID | None = None
    agent_id: UUID | None = None
    status: ExtractionStatus | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run in a worker's hand. What is written under an old `fence` is not written.

    `attempt` counts the one that begins now; `errors` are those of the attempts before.
    """

    id: UUID
    user_id: UUID
    conversation_id: UUID
    fence: int
    attempt: int
    created_at: datetime
    errors: Sequence[RunError]


@dataclass(frozen=True, slots=True)
class Material:
    """What a run is made from: the agent's form as it is now, and our own record.

    `lines` are in order and hold what the rule of transcripts may show, no more. `business_number` is the telephone
    number of the channel, where it has one.
    """

    form: Mapping[str, Any] | None
    business_number: str | None
    customer_id: UUID
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Found:
    """How an attempt that succeeded was made, and what it found."""

    reading: Reading
    form_digest: str
    prompt_version: int
    model: str
    usage: Usage


class Extractions(Protocol):
    """Every run is a row. Times are the store's own."""

    async def open_due(self, idle_seconds: float, price: int, limit: int) -> int:
        """Open a run for each conversation with new customer messages that has been quiet so long; how many.

        Looks at up to `limit` conversations, those that wait longest first. Any number of callers open each run once.
        A conversation with nothing new opens none, one in which somebody wrote since is looked at again when it is
        quiet. The price is held; a run that nothing is left for is `failed` at once.
        """
        ...

    async def waiting(self, limit: int) -> int:
        """How many runs a worker may take now, up to `limit`."""
        ...

    async def request(
        self, user_id: UUID, conversation_id: UUID, price: int, once: Once[Extraction] | None
    ) -> Extraction:
        """Open a run of a conversation, whatever is new in it, and hold its price.

        Raises NotFound, NothingToRead, InsufficientCredits, or as Answers says.
        """
        ...

    async def request_all(self, user_id: UUID, agent_id: UUID, price: int, once: Once[int] | None) -> int:
        """Open a run for each conversation of an agent in which a customer wrote and none waits; how many.

        All or, with InsufficientCredits, none. Raises NotFound too, and as Answers says.
        """
        ...

    async def claim(self, lease_seconds: float, limit: int) -> Sequence[ClaimedRun]:
        """Take up to `limit` runs that wait, or whose worker has had them for longer than its lease."""
        ...

    async def material(self, run: ClaimedRun) -> Material | None:
        """What to read; None when the run is gone."""
        ...

    async def complete(self, run: ClaimedRun, found: Found) -> bool:
        """Keep what was found, merge it into the customer's lead, capture the price. False when the fence is old."""
        ...

    async def set_back(
        self, run: ClaimedRun, error: RunError, after_seconds: float, usage: Usage, *, is_attempt: bool
    ) -> bool:
        """Let the run wait again; the error is kept, the attempt counted or not. False when the fence is old."""
        ...

    async def fail(self, run: ClaimedRun, error: RunError, usage: Usage) -> bool:
        """End the run without a result and release its price. False when the fence is old."""
        ...

    async def failing(self, user_id: UUID, limit: int) -> int:
        """How many conversations of that user failed since the last run that was completed, up to `limit`."""
        ...

    async def get(self, user_id: UUID, extraction_id: UUID) -> Extraction:
        """That run. Raises NotFound."""
        ...

    async def list(self, user_id: UUID, wanted: ExtractionFilter, page: PageRequest) -> Page[Extraction]:
        """A user's runs."""
        ...
