"""What must be known to take a turn, read together for everyone who asks at once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog
from psycopg.rows import TupleRow

from adapters.gatherer import Gatherer
from adapters.persistence.database import Database
from application.ports.briefings import Briefing
from application.ports.vault import SecretUnreadable, Vault
from domain.agents import Voice
from domain.channels import ChannelType

log = structlog.get_logger()

BATCH_MAX = 256

BRIEF = """
select a.id, n.id, a.prompt_id, v.version, v.instructions, v.model, v.temperature, v.max_output_tokens,
    n.type, n.account, n.access_token
from unnest(%s::uuid[], %s::uuid[]) as asked (agent_id, phone_number_id)
join agents a on a.id = asked.agent_id
join phone_numbers n on n.id = asked.phone_number_id
left join prompts p on p.id = a.prompt_id
left join prompt_versions v on v.prompt_id = p.id and v.version = p.latest_version
"""


class PostgresBriefings:
    """Briefings read from Postgres at each turn."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._read = Gatherer(self._brief, items_max=BATCH_MAX)

    async def brief(self, agent_id: UUID, phone_number_id: UUID) -> Briefing | None:
        """The briefing; see the port."""
        row = await self._read.one((agent_id, phone_number_id))
        return None if row is None else self._briefing(phone_number_id, *row)

    async def _brief(self, asked: list[tuple[UUID, UUID]]) -> Sequence[TupleRow | None]:
        distinct = list(dict.fromkeys(asked))
        rows = await self._database.fetch(BRIEF, ([agent for agent, _ in distinct], [number for _, number in distinct]))
        found = {(row[0], row[1]): row[2:] for row in rows}
        return [found.get(pair) for pair in asked]

    def _briefing(
        self,
        phone_number_id: UUID,
        prompt_id: str,
        version: int | None,
        instructions: str,
        model: str,
        temperature: float | None,
        max_output_tokens: int | None,
        channel: str,
        account: str | None,
        sealed_token: bytes | None,
    ) -> Briefing:
        return Briefing(
            prompt_id=prompt_id,
            prompt_version=version,
            voice=None if version is None else Voice(instructions, model, temperature, max_output_tokens),
            channel=ChannelType(channel),
            account=account or "",
            access_token=self._token(sealed_token, phone_number_id),
        )

    def _token(self, sealed: bytes | None, phone_number_id: UUID) -> str | None:
        if sealed is None:
            return None
        try:
            return self._vault.unseal(sealed, phone_number_id)
        except SecretUnreadable:
            log.exception("access_token_unreadable", phone_number_id=str(phone_number_id))
            return None
