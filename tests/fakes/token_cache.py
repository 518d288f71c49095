"""Tokens at hand, in a dictionary; `is_down` as when Redis is out of reach."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from application.ports.token_cache import SealedToken


class MemoryTokenCache:
    """Keeps everything until it is dropped."""

    def __init__(self) -> None:
        self.kept: dict[UUID, SealedToken] = {}
        self.is_down = False

    async def get(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedToken]:
        kept = {} if self.is_down else self.kept
        return {
            number: kept[number] for number in versions if number in kept and kept[number].version == versions[number]
        }

    async def put(self, tokens: Mapping[UUID, SealedToken]) -> None:
        if not self.is_down:
            self.kept.update(tokens)

    async def drop(self, phone_number_id: UUID) -> None:
        if not self.is_down:
            self.kept.pop(phone_number_id, None)
