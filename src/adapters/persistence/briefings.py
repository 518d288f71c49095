"""What must be known to take a turn, read together for everyone who asks at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from psycopg.rows import TupleRow

from adapters.gatherer import Gatherer
from adapters.persistence.channel_settings import read_settings
from adapters.persistence.database import Database
from application.ports.briefings import Briefing
from application.ports.token_cache import SealedToken, TokenCache
from application.ports.vault import SecretUnreadable, Vault
from domain.agents import Voice
from domain.channels import ChannelType

log = structlog.get_logger()

BATCH_MAX = 256

BRIEF = """
select a.id, n.id, a.prompt_id, v.version, v.instructions, v.model, v.temperature, v.max_output_tokens,
    n.type, n.account, n.settings, n.token_version, n.access_token is not null
from unnest(%s::uuid[], %s::uuid[]) as asked (agent_id, phone_number_id)
join agents a on a.id = asked.agent_id
join phone_numbers n on n.id = asked.phone_number_id
left join prompts p on p.id = a.prompt_id
left join prompt_versions v on v.prompt_id = p.id and v.version = coalesce(a.prompt_version, p.latest_version)
"""
TOKENS = "select id, token_version, access_token from phone_numbers where id = any(%s) and access_token is not null"

Asked = tuple[UUID, UUID]
"""Agent and phone number."""
Found = tuple[TupleRow, SealedToken | None]


class PostgresBriefings:
    """Briefings read from Postgres at each turn, but for the tokens: those are at hand as long as they are the same.

    What the cache saves is the reading of the tokens themselves, the widest column of all. Which version of a token is
    the right one stands in the row that is read anyway, so that no change can be missed.
    """

    def __init__(self, database: Database, vault: Vault, tokens: TokenCache) -> None:
        self._database = database
        self._vault = vault
        self._tokens = tokens
        self._read = Gatherer(self._brief, items_max=BATCH_MAX)

    async def brief(self, agent_id: UUID, phone_number_id: UUID) -> Briefing | None:
        """The briefing; see the port."""
        found = await self._read.one((agent_id, phone_number_id))
        if found is None:
            return None
        row, token = found
        return self._briefing(phone_number_id, token, *row)

    async def _brief(self, asked: list[Asked]) -> Sequence[Found | None]:
        distinct = list(dict.fromkeys(asked))
        rows = await self._database.house.fetch(
            BRIEF, ([agent for agent, _ in distinct], [number for _, number in distinct])
        )
        tokens = await self._current({row[1]: row[-2] for row in rows if row[-1]})
        found = {(row[0], row[1]): (row[2:-2], tokens.get(row[1])) for row in rows}
        return [found.get(pair) for pair in asked]

    async def _current(self, versions: Mapping[UUID, UUID]) -> Mapping[UUID, SealedToken]:
        """The tokens in these versions, or newer ones."""
        at_hand = await self._tokens.get(versions)
        missing = [number for number in versions if number not in at_hand]
        if not missing:
            return at_hand
        rows = await self._database.house.fetch(TOKENS, (missing,))
        read = {number: SealedToken(version, sealed) for number, version, sealed in rows}
        await self._tokens.put(read)
        return {**at_hand, **read}

    def _briefing(
        self,
        phone_number_id: UUID,
        token: SealedToken | None,
        prompt_id: str,
        version: int | None,
        instructions: str,
        model: str,
        temperature: float | None,
        max_output_tokens: int | None,
        channel: str,
        account: str | None,
        settings: Mapping[str, Any],
    ) -> Briefing:
        return Briefing(
            prompt_id=prompt_id,
            prompt_version=version,
            voice=None if version is None else Voice(instructions, model, temperature, max_output_tokens),
            channel=ChannelType(channel),
            account=account or "",
            access_token=None if token is None else self._opened(token, phone_number_id),
            settings=read_settings(settings),
            token_version=None if token is None else token.version,
        )

    def _opened(self, token: SealedToken, phone_number_id: UUID) -> str | None:
        try:
            return self._vault.unseal(token.sealed, phone_number_id)
        except SecretUnreadable:
            log.exception("access_token_unreadable", phone_number_id=str(phone_number_id))
            return None
