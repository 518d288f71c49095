"""The ledger in memory."""

from __future__ import annotations

from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.credits import Added, KeyReused
from domain.credits import Account, Entry, EntryKind
from tests.fakes.memory_store import MemoryStore
from tests.fakes.pages import page_in_order


class MemoryCredits:
    """Each call is whole: nothing is awaited inside."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def account(self, user_id: UUID) -> Account:
        self._store.must_have_user(user_id)
        return self._store.accounts[user_id]

    async def add(self, user_id: UUID, amount: int, note: str | None, idempotency_key: str | None) -> Added:
        self._store.must_have_user(user_id)
        if idempotency_key is None:
            return self._added(user_id, amount, note)
        request = (amount, note)
        if (user_id, idempotency_key) not in self._store.answers:
            self._store.answers[user_id, idempotency_key] = request, self._added(user_id, amount, note)
        first_request, answer = self._store.answers[user_id, idempotency_key]
        if request != first_request:
            raise KeyReused("Idempotency-Key", "It was used before with another request.")
        return answer

    async def entries(self, user_id: UUID, page: PageRequest) -> Page[Entry]:
        return page_in_order(self._store.entries.get(user_id, ()), page, lambda entry: [entry.id])

    def _added(self, user_id: UUID, amount: int, note: str | None) -> Added:
        entry = self._store.move_credits(user_id, EntryKind.ADD, amount, None, note)
        self._store.unblock(user_id)
        return Added(entry, self._store.accounts[user_id])
