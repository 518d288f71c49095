"""Briefings from memory."""

from __future__ import annotations

from uuid import UUID

from application.ports.briefings import Briefing
from application.ports.vault import SecretUnreadable, Vault
from tests.fakes.memory_store import MemoryStore


class MemoryBriefings:
    """Reads what the registry keeps."""

    def __init__(self, store: MemoryStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def brief(self, agent_id: UUID, phone_number_id: UUID) -> Briefing | None:
        async with self._store.call():
            agent = self._store.agents.get(agent_id)
            number = self._store.phone_numbers.get(phone_number_id)
            if agent is None or number is None:
                return None
            versions = self._store.prompts.get(agent.prompt_id)
            spoken = versions[(agent.prompt_version or len(versions)) - 1] if versions else None
            return Briefing(
                prompt_id=agent.prompt_id,
                prompt_version=spoken.version if spoken else None,
                voice=spoken.voice if spoken else None,
                channel=number.type,
                account=number.meta_phone_number_id or number.instagram_account_id or str(number.id),
                access_token=self._token(phone_number_id),
                settings=number.settings,
            )

    def _token(self, phone_number_id: UUID) -> str | None:
        sealed = self._store.sealed_tokens.get(phone_number_id)
        try:
            return None if sealed is None else self._vault.unseal(sealed, phone_number_id)
        except SecretUnreadable:
            return None
