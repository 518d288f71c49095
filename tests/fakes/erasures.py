"""What is to be erased at the model's provider, in memory; and a provider that erases what it is asked to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from domain.erasing import Erasure
from tests.fakes.memory_store import MemoryStore


class MemoryErasures:
    """What stands in the store, by when it is due."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def claim(self, lease_seconds: float, limit: int) -> Sequence[Erasure]:
        now = self._store.clock.now()
        due = sorted((at, one.openai_id, one) for one, at in self._store.erasures.items() if at <= now)[:limit]
        claimed = [replace(one, attempts=one.attempts + 1) for *_, one in due]
        for (*_, before), after in zip(due, claimed, strict=True):
            del self._store.erasures[before]
            self._store.erasures[after] = now + timedelta(seconds=lease_seconds)
        return claimed

    async def done(self, erasures: Sequence[Erasure]) -> None:
        gone = {_name(erasure) for erasure in erasures}
        for one in [one for one in self._store.erasures if _name(one) in gone]:
            del self._store.erasures[one]

    async def put_off(self, erasure: Erasure, seconds: float) -> None:
        for one in [one for one in self._store.erasures if _name(one) == _name(erasure)]:
            self._store.erasures[one] = self._store.clock.now() + timedelta(seconds=seconds)


def _name(erasure: Erasure) -> tuple[str, str]:
    return erasure.kind, erasure.openai_id


class ToldEraser:
    """Erases everything, except while it is `down`; `erased` is what is gone."""

    def __init__(self) -> None:
        self.is_down = False
        self.erased: list[str] = []

    async def erase(self, erasures: Sequence[Erasure], timeout_seconds: float) -> Sequence[bool]:
        if not self.is_down:
            self.erased += [erasure.openai_id for erasure in erasures]
        return [not self.is_down] * len(erasures)
