"""The rows of files in memory, and a fetcher that does what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from application.channels.fetch_media import FetchMedia
from application.conversations.asking import Asking
from application.ports.media import ClaimedMedium, FetchResult, Later
from application.ports.vault import SecretUnreadable, Vault
from domain.media import (
    ATTEMPTS_MAX,
    Fetched,
    FetchOutcome,
    MediumStatus,
    MissingReason,
    NotNow,
    StoredMedium,
    Unfetchable,
    storage_key,
)
from domain.shared import NotFound
from tests.fakes.content_store import MemoryContentStore
from tests.fakes.memory_store import MemoryMedium, MemoryStore


class MemoryMedia:
    """Rows beside those of the messages they came with."""

    def __init__(self, store: MemoryStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def of_messages(self, message_ids: Sequence[UUID]) -> Sequence[StoredMedium]:
        found = [one.stored for one in self._store.media.values() if one.stored.message_id in message_ids]
        return sorted(found, key=lambda one: (one.message_id, one.place))

    async def get(self, user_id: UUID, message_id: UUID, place: int) -> StoredMedium:
        for one in await self.of_messages([message_id]):
            if (one.user_id, one.place) == (user_id, place):
                return one
        raise NotFound("file")

    async def claim_of(self, message_ids: Sequence[UUID], lease_seconds: float) -> Sequence[ClaimedMedium]:
        wanted = [one for one in self._pending() if one.stored.message_id in message_ids]
        return [self._claimed(one, lease_seconds) for one in wanted]

    async def claim_waiting(
        self, older_than_seconds: float, lease_seconds: float, limit: int
    ) -> Sequence[ClaimedMedium]:
        now = self._store.clock.now()
        due = [one for one in self._pending() if one.fetch_after <= now]
        for one in [one for one in due if one.attempts >= ATTEMPTS_MAX]:
            await self.settle({one.stored.id: Unfetchable(MissingReason.OUT_OF_TIME)})
        old = now - timedelta(seconds=older_than_seconds)
        waiting = [one for one in due if one.attempts < ATTEMPTS_MAX and one.created_at <= old]
        waiting.sort(key=lambda one: (one.fetch_after, one.created_at))
        return [self._claimed(one, lease_seconds) for one in waiting[:limit]]

    async def settle(self, results: Mapping[UUID, FetchResult]) -> None:
        for id_, result in results.items():
            if (one := self._store.media.get(id_)) is not None:
                self._store.media[id_] = self._settled(one, result)

    async def claim_deletions(self, lease_seconds: float, limit: int) -> Sequence[str]:
        now = self._store.clock.now()
        due = [key for key, due_at in self._store.media_to_delete.items() if due_at <= now][:limit]
        self._store.media_to_delete |= dict.fromkeys(due, now + timedelta(seconds=lease_seconds))
        return due

    async def forget_deletions(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._store.media_to_delete.pop(key, None)

    def _pending(self) -> list[MemoryMedium]:
        return [one for one in self._store.media.values() if one.stored.status is MediumStatus.PENDING]

    def _claimed(self, one: MemoryMedium, lease_seconds: float) -> ClaimedMedium:
        until = self._store.clock.now() + timedelta(seconds=lease_seconds)
        one = self._store.media[one.stored.id] = replace(one, attempts=one.attempts + 1, fetch_after=until)
        number = self._store.phone_numbers[self._store.messages[one.stored.message_id].phone_number_id]
        return ClaimedMedium(
            id=one.stored.id,
            user_id=one.stored.user_id,
            channel=number.type,
            account=number.meta_phone_number_id or number.instagram_account_id or "",
            access_token=self._token(number.id),
            medium=one.medium,
            attempts=one.attempts,
        )

    def _token(self, phone_number_id: UUID) -> str | None:
        sealed = self._store.sealed_tokens.get(phone_number_id)
        try:
            return None if sealed is None else self._vault.unseal(sealed, phone_number_id)
        except SecretUnreadable:
            return None

    def _settled(self, one: MemoryMedium, result: FetchResult) -> MemoryMedium:
        stored = one.stored
        if isinstance(result, Fetched) and stored.status is not MediumStatus.KEPT:
            key = storage_key(stored.user_id, stored.id)
            facts = {"mime_type": result.mime_type, "bytes": result.bytes, "storage_key": key, "reason": None}
            return replace(one, stored=replace(stored, status=MediumStatus.KEPT, **facts))
        if stored.status is not MediumStatus.PENDING:
            return one
        if isinstance(result, Unfetchable):
            return replace(one, stored=replace(stored, status=MediumStatus.MISSING, reason=result.reason))
        assert isinstance(result, Later)
        return replace(one, fetch_after=self._store.clock.now() + timedelta(seconds=result.seconds))


def an_asking(store: MemoryStore, vault: Vault) -> Asking:
    """What the model is told of messages without files."""
    media, content = MemoryMedia(store, vault), MemoryContentStore()
    return Asking(media, content, FetchMedia(media, ToldFetcher(content)))


class ToldFetcher:
    """Fetches what it has, under the platform's id, into the store; of anything else it says what it was told."""

    def __init__(self, content: MemoryContentStore) -> None:
        self.files: dict[str | None, tuple[str, bytes]] = {}
        self.otherwise: FetchOutcome = NotNow()
        self.asked: list[tuple[ClaimedMedium, float]] = []
        self._content = content

    async def fetch(self, claimed: Sequence[ClaimedMedium], timeout_seconds: float) -> Sequence[FetchOutcome]:
        self.asked += [(one, timeout_seconds) for one in claimed]
        return [self._outcome(one) for one in claimed]

    def _outcome(self, one: ClaimedMedium) -> FetchOutcome:
        if one.medium.platform_id not in self.files:
            return self.otherwise
        mime_type, content = self.files[one.medium.platform_id]
        self._content.kept[storage_key(one.user_id, one.id)] = content
        return Fetched(mime_type, len(content), "0" * 64)
