"""Kept answers in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from application.ports.answers import Once
from tests.fakes.memory_store import KeptAnswer, MemoryStore

Result = TypeVar("Result")


def done_once(store: MemoryStore, user_id: UUID, once: Once[Result] | None, effect: Callable[[], Result]) -> Result:
    """As the adapter's; nothing is awaited inside, so that nobody ever finds another one at it."""
    if once is None:
        return effect()
    if once.name in store.kept_answers:
        once.replay(store.kept_answers[once.name].answer)
    result = effect()
    store.kept_answers[once.name] = KeptAnswer(user_id, once.seal(result), store.clock.now())
    return result


class MemoryAnswers:
    """Deletes what is kept; `done_once` keeps it."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def forget(self, days: float, limit: int) -> int:
        until = self._store.clock.now() - timedelta(days=days)
        kept = sorted(self._store.kept_answers.items(), key=lambda item: item[1].created_at)
        old = [name for name, answer in kept if answer.created_at < until][:limit]
        for name in old:
            del self._store.kept_answers[name]
        return len(old)
