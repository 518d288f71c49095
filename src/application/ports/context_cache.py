"""What turns must know, at hand: sealed, for some minutes, and never instead of anything newer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SealedContext:
    """What a turn must know of a phone number and its agent, as it was read from the store at `read_at`.

    `version` is another one after every change, and never comes again for anything else.
    """

    version: UUID
    sealed: bytes
    read_at: datetime


class ContextCacheUnavailable(Exception):
    """The cache is out of reach: what it would say stands in the store."""


class ContextCache(Protocol):
    """May forget anything at any moment. Whoever asks knows from the store which version is the right one."""

    async def get(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedContext]:
        """What is at hand for these phone numbers in exactly these versions, in one round trip; kept on for its time.

        Raises ContextCacheUnavailable.
        """
        ...

    async def claim(self, versions: Mapping[UUID, UUID]) -> Collection[UUID]:
        """The phone numbers the caller is to read from the store and `put`: for others somebody does so, or just has.

        When the cache is out of reach that is all of them.
        """
        ...

    async def wait(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedContext]:
        """What others have put in these versions, or put before their claims end; without what none of them puts."""
        ...

    async def put(self, contexts: Mapping[UUID, SealedContext]) -> None:
        """Keep contexts by their phone numbers, and end their claims."""
        ...

    async def drop(self, phone_number_id: UUID) -> None:
        """Forget what is kept of that phone number: it was removed, or its token changed."""
        ...
