"""What turns must know of an agent on a phone number, as it stands in Postgres."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from adapters.persistence.channel_settings import read_settings
from adapters.persistence.database import Database
from application.ports.briefings import Briefing
from domain.agents import Voice
from domain.channels import ChannelType

# The name is of the very rows that are read: one that is asked for apart might be newer than they are.
READ = """
select a.id, n.id, name_of_context(n, a, v), a.prompt_id, v.version, v.instructions, v.model, v.temperature,
    v.max_output_tokens, n.type, n.account, n.settings, n.token_version, n.access_token
from unnest(%s::uuid[], %s::uuid[]) as asked (agent_id, phone_number_id)
join agents a on a.id = asked.agent_id
join phone_numbers n on n.id = asked.phone_number_id
left join prompts p on p.id = a.prompt_id
left join prompt_versions v on v.prompt_id = p.id and v.version = coalesce(a.prompt_version, p.latest_version)
"""
BUSIEST = """
select agent_id, phone_number_id
from (
    select agent_id, phone_number_id from turns where ended_at is not null order by ended_at desc limit %s
) lately
group by agent_id, phone_number_id order by count(*) desc limit %s
"""
LOOKED_BACK_TURNS = 10_000
"""Busy is who had most of so many turns that ended last."""

Pair = tuple[UUID, UUID]
"""Agent and phone number."""


class Context(NamedTuple):
    """A row as Postgres gave it, the token still sealed. In another shape it is another release's."""

    agent_id: UUID
    phone_number_id: UUID
    version: UUID
    prompt_id: str
    prompt_version: int | None
    instructions: str | None
    model: str | None
    temperature: float | None
    max_output_tokens: int | None
    channel: str
    account: str
    settings: dict[str, Any]
    token_version: UUID
    sealed_token: bytes | None


async def read_contexts(database: Database, pairs: Collection[Pair]) -> Mapping[Pair, Context]:
    """The contexts of those that are there, in one statement."""
    rows = await database.house.fetch(READ, ([agent for agent, _ in pairs], [number for _, number in pairs]))
    contexts = [Context(*row) for row in rows]
    return {(context.agent_id, context.phone_number_id): context for context in contexts}


async def busiest_pairs(database: Database, limit: int) -> Collection[Pair]:
    """Who answered most lately, and where."""
    return [(agent, number) for agent, number in await database.house.fetch(BUSIEST, (LOOKED_BACK_TURNS, limit))]


def briefing(context: Context, access_token: str | None) -> Briefing:
    """The context as a turn is told it."""
    return Briefing(
        prompt_id=context.prompt_id,
        prompt_version=context.prompt_version,
        voice=_voice(context),
        channel=ChannelType(context.channel),
        account=context.account,
        access_token=access_token,
        settings=read_settings(context.settings),
        token_version=None if context.sealed_token is None else context.token_version,
    )


def _voice(context: Context) -> Voice | None:
    if context.instructions is None or context.model is None:
        return None
    return Voice(context.instructions, context.model, context.temperature, context.max_output_tokens)
