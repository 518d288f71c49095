"""Contexts at hand, in a dictionary; `is_down` as when Redis is out of reach."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from application.ports.context_cache import ContextCacheUnavailable, SealedContext


class MemoryContextCache:
    """Keeps everything until it is dropped. Nobody waits: whoever has claimed something is gone by then."""

    def __init__(self) -> None:
        self.kept: dict[UUID, SealedContext] = {}
        self.claimed: set[UUID] = set()
        self.is_down = False

    async def get(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedContext]:
        if self.is_down:
            raise ContextCacheUnavailable("It is down.")
        return self._wanted(versions)

    async def claim(self, versions: Mapping[UUID, UUID]) -> Collection[UUID]:
        if self.is_down:
            return versions.keys()
        free = versions.keys() - self.claimed - self._wanted(versions).keys()
        self.claimed.update(free)
        return free

    async def wait(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedContext]:
        self.claimed.difference_update(versions)
        return {} if self.is_down else self._wanted(versions)

    async def put(self, contexts: Mapping[UUID, SealedContext]) -> None:
        self.claimed.difference_update(contexts)
        if not self.is_down:
            self.kept.update(contexts)

    async def drop(self, phone_number_id: UUID) -> None:
        if not self.is_down:
            self.kept.pop(phone_number_id, None)

    def _wanted(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedContext]:
        kept = {number: self.kept[number] for number in versions if number in self.kept}
        return {number: context for number, context in kept.items() if context.version == versions[number]}
