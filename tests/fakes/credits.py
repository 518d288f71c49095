"""The ledger in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.answers import Once
from application.ports.credits import Added
from domain.conversations import InboundStatus, Message, UnansweredReason
from domain.credits import Account, Entry, EntryKind, Usage, UsageGroup
from tests.fakes.answers import done_once
from tests.fakes.memory_store import MemoryStore
from tests.fakes.pages import page_in_order


class MemoryCredits:
    """Each call is whole: nothing is awaited inside."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def account(self, user_id: UUID) -> Account:
        self._store.must_have_user(user_id)
        return self._store.accounts[user_id]

    async def add(
        self,
        user_id: UUID,
        amount: int,
        note: str | None,
        once: Once[Added] | None,
        *,
        blocked_hours_max: float | None = None,
    ) -> Added:
        self._store.must_have_user(user_id)
        return done_once(self._store, user_id, once, lambda: self._added(user_id, amount, note, blocked_hours_max))

    async def entries(self, user_id: UUID, page: PageRequest) -> Page[Entry]:
        return page_in_order(self._store.entries.get(user_id, ()), page, lambda entry: [entry.id])

    async def usage(
        self, user_id: UUID, group: UsageGroup, since: datetime, until: datetime, page: PageRequest
    ) -> Page[Usage]:
        added_up: dict[str, Usage] = {}
        for entry in self._store.entries.get(user_id, ()):
            if entry.kind not in {EntryKind.CAPTURE, EntryKind.REFUND} or not since <= entry.created_at < until:
                continue
            key = self._key(entry, group)
            so_far = added_up.get(key, Usage(key, 0, 0, 0))
            is_captured = entry.kind is EntryKind.CAPTURE
            captured = so_far.captured + entry.amount * is_captured
            refunded = so_far.refunded + entry.amount * (not is_captured)
            is_reply = is_captured and entry.extraction_id is None
            added_up[key] = Usage(key, captured, refunded, so_far.replies + is_reply)
        return page_in_order(added_up.values(), page, lambda usage: [usage.key])

    def _key(self, entry: Entry, group: UsageGroup) -> str:
        if group is UsageGroup.DAY:
            return entry.created_at.astimezone(UTC).date().isoformat()
        agent_id, phone_number_id = self._store.spent_on.get(entry.turn_id or entry.extraction_id, (None, None))
        return str((agent_id if group is UsageGroup.AGENT else phone_number_id) or "")

    async def expire_blocked(self, blocked_hours_max: float, limit: int) -> int:
        return self._give_up(self._blocked_longer_than(blocked_hours_max)[:limit])

    def _give_up(self, messages: list[Message]) -> int:
        for message in messages:
            self._store.messages[message.id] = replace(
                message, status=InboundStatus.UNANSWERABLE, reason=UnansweredReason.WAITED_TOO_LONG
            )
        return len(messages)

    def _blocked_longer_than(self, hours: float, user_id: UUID | None = None) -> list[Message]:
        until = self._store.clock.now() - timedelta(hours=hours)
        blocked = [one for one in self._store.messages.values() if one.status == InboundStatus.BLOCKED]
        own = [one for one in blocked if user_id in {None, self._store.owner_of(one)}]
        return sorted((one for one in own if one.created_at <= until), key=lambda one: one.created_at)

    def _added(self, user_id: UUID, amount: int, note: str | None, blocked_hours_max: float | None) -> Added:
        entry = self._store.move_credits(user_id, EntryKind.ADD, amount, None, note)
        if blocked_hours_max is not None:
            self._give_up(self._blocked_longer_than(blocked_hours_max, user_id))
        return Added(entry, self._store.accounts[user_id], self._store.unblock(user_id))
