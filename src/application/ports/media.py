"""Files that came with messages: their rows, and how they are fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.channels import ChannelType, Medium
from domain.media import Fetched, FetchOutcome, StoredMedium, Unfetchable


@dataclass(frozen=True, slots=True)
class ClaimedMedium:
    """A file that is ours to fetch for a while. `attempts` counts this one.

    `access_token` is in the clear and must not be logged, kept or shown; None when the phone number has none.
    """

    id: UUID
    user_id: UUID
    channel: ChannelType
    account: str
    access_token: str | None = field(repr=False)
    medium: Medium
    attempts: int


@dataclass(frozen=True, slots=True)
class Later:
    """The file is to be tried again after so many seconds."""

    seconds: float


FetchResult = Fetched | Unfetchable | Later


class Media(Protocol):
    """The rows. Every call raises Unavailable when the store is out of reach."""

    async def of_messages(self, message_ids: Sequence[UUID]) -> Sequence[StoredMedium]:
        """The files of these messages, by message and place."""
        ...

    async def get(self, user_id: UUID, message_id: UUID, place: int) -> StoredMedium:
        """That file. Raises NotFound."""
        ...

    async def claim_of(self, message_ids: Sequence[UUID], lease_seconds: float) -> Sequence[ClaimedMedium]:
        """All files of these messages that are still to be fetched, whoever else is at it; nobody else begins now.

        Two that fetch the same file do no harm: they put the same under the same key.
        """
        ...

    async def claim_waiting(
        self, older_than_seconds: float, lease_seconds: float, limit: int
    ) -> Sequence[ClaimedMedium]:
        """Up to `limit` files that are due and were noted so long ago, each for one caller."""
        ...

    async def settle(self, results: Mapping[UUID, FetchResult]) -> None:
        """Note what became of files. One that is kept stays kept, whatever a slower worker found."""
        ...

    async def claim_deletions(self, lease_seconds: float, limit: int) -> Sequence[str]:
        """Up to `limit` keys in the content store that belong to no row any more, each for one caller."""
        ...

    async def forget_deletions(self, keys: Sequence[str]) -> None:
        """The content under these keys is gone."""
        ...


class MediaFetcher(Protocol):
    """Brings files from the platforms into the content store."""

    async def fetch(self, claimed: Sequence[ClaimedMedium], timeout_seconds: float) -> Sequence[FetchOutcome]:
        """Fetch all at once, within so many seconds together; every failure is an outcome, never an exception.

        What is fetched lies in the content store under `domain.media.storage_key`, checked.
        """
        ...
