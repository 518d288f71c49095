"""Bringing files in: just before a model is asked, or in passing; and taking out those that nobody owns any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from application.ports.content_store import ContentStore
from application.ports.media import ClaimedMedium, FetchResult, Later, Media, MediaFetcher
from domain.media import FetchOutcome, NotNow, after_attempt, backoff_seconds

IN_TURN_SECONDS_MAX = 15.0
"""How long a customer's answer waits for all the files it is about."""
IN_PASSING_SECONDS_MAX = 30.0
WAITING_SECONDS = 5.0
"""How long a file may wait for a turn to fetch it before it is fetched in passing."""
LEASE_SECONDS = 60.0
"""How long a claimed file is left to whoever claimed it: longer than any fetching lasts."""
BATCH = 16
"""How many files are fetched at once in passing."""
DELETIONS_BATCH = 100


@dataclass(frozen=True, slots=True)
class FetchMedia:
    """Fetches what is pending and notes what became of it. Two at once do no harm."""

    media: Media
    fetcher: MediaFetcher

    async def of_messages(self, message_ids: Sequence[UUID]) -> None:
        """Fetch what these messages bring, within IN_TURN_SECONDS_MAX. What fails stays to be tried in passing."""
        await self._fetch(await self.media.claim_of(message_ids, LEASE_SECONDS), IN_TURN_SECONDS_MAX)

    async def waiting(self) -> int:
        """Fetch some of what no turn has asked for. Returns how many; BATCH means that there may be more."""
        claimed = await self.media.claim_waiting(WAITING_SECONDS, LEASE_SECONDS, BATCH)
        await self._fetch(claimed, IN_PASSING_SECONDS_MAX)
        return len(claimed)

    async def _fetch(self, claimed: Sequence[ClaimedMedium], seconds_max: float) -> None:
        if not claimed:
            return
        outcomes = await self.fetcher.fetch(claimed, seconds_max)
        results = {one.id: _result(outcome, one.attempts) for one, outcome in zip(claimed, outcomes, strict=True)}
        await self.media.settle(results)


def _result(outcome: FetchOutcome, attempts: int) -> FetchResult:
    final = after_attempt(outcome, attempts)
    return Later(backoff_seconds(attempts)) if isinstance(final, NotNow) else final


@dataclass(frozen=True, slots=True)
class DeleteMedia:
    """Deletes files whose rows are gone. Two at once do no harm."""

    media: Media
    content: ContentStore

    async def __call__(self) -> int:
        """Delete some. Returns how many. Raises Unavailable when a store is out of reach; the rest is tried again."""
        deleted: list[str] = []
        try:
            for key in await self.media.claim_deletions(LEASE_SECONDS, DELETIONS_BATCH):
                await self.content.delete(key)
                deleted.append(key)
        finally:
            if deleted:
                await self.media.forget_deletions(deleted)
        return len(deleted)
