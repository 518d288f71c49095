"""Briefings from memory."""

from __future__ import annotations

from uuid import UUID

from application.ports.briefings import Briefing
from application.ports.vault import SecretUnreadable, Vault
from tests.fakes.memory_store import MemoryStore


class MemoryBriefings:
    """Reads what the registry keeps, and keeps it under its name."""

    def __init__(self, store: MemoryStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._kept: dict[UUID, tuple[UUID, Briefing]] = {}

    async def brief(self, agent_id: UUID, phone_number_id: UUID, version: UUID | None) -> Briefing | None:
        async with self._store.call():
            kept = self._kept.get(phone_number_id)
            if kept is not None and self._is_right(kept[0], version):
                return kept[1]
            return self._read(agent_id, phone_number_id)

    async def warm_up(self, limit: int) -> int:
        async with self._store.call():
            busy = {(turn.agent_id, turn.phone_number_id) for turn in self._store.turns.values() if turn.ended_at}
            return sum(self._read(*pair) is not None for pair in list(busy)[:limit])

    def _is_right(self, kept: UUID, version: UUID | None) -> bool:
        return kept == version

    def _read(self, agent_id: UUID, phone_number_id: UUID) -> Briefing | None:
        agent, number = self._store.agents.get(agent_id), self._store.phone_numbers.get(phone_number_id)
        version = self._store.context_version(agent_id, phone_number_id)
        if agent is None or number is None or version is None:
            return None
        spoken = self._store.spoken(agent)
        briefing = Briefing(
            prompt_id=agent.prompt_id,
            prompt_version=spoken.version if spoken else None,
            voice=spoken.voice if spoken else None,
            channel=number.type,
            account=number.meta_phone_number_id or number.instagram_account_id or str(number.id),
            access_token=self._token(phone_number_id),
            settings=number.settings,
        )
        self._kept[phone_number_id] = (version, briefing)
        return briefing

    def _token(self, phone_number_id: UUID) -> str | None:
        sealed = self._store.sealed_tokens.get(phone_number_id)
        try:
            return None if sealed is None else self._vault.unseal(sealed, phone_number_id)
        except SecretUnreadable:
            return None
