"""Agents in Postgres, and what linking them to phone numbers does to conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from adapters.persistence.answers import done_once
from adapters.persistence.archiving import give_up_waiting
from adapters.persistence.database import Database
from adapters.persistence.pages import fetch_page
from adapters.persistence.refusals import refusals_named
from adapters.persistence.rows import fetched, found
from application.pages import Page, PageRequest
from application.ports.answers import Once
from domain.agents import Agent, is_own_prompt
from domain.shared import InvalidInput

LIST = """
select item.id, item.user_id, item.name, item.prompt_id, item.phone_number_id, item.lead_form, item.created_at,
    item.prompt_version
from agents item
"""
GET = LIST + "where item.id = %s and item.user_id = %s"
ADD = """
insert into agents (id, user_id, name, prompt_id, phone_number_id, lead_form, created_at, prompt_version)
values (%(id)s, %(user_id)s, %(name)s, %(prompt_id)s, %(phone_number_id)s, %(lead_form)s, %(created_at)s,
    %(prompt_version)s)
"""
CHANGE = """
update agents set name = %(name)s, prompt_id = %(prompt_id)s, phone_number_id = %(phone_number_id)s,
    lead_form = %(lead_form)s, prompt_version = %(prompt_version)s
where id = %(id)s and user_id = %(user_id)s
"""
REMOVE = "delete from agents where id = %s and user_id = %s"

# First the phone numbers it answers on, before and after, and then the conversations, in the order in which everyone
# locks them; then the agent and the phone number, which whoever opens a conversation refers to. That second lock of the
# phone number makes them wait (a mere link, or the first lock, would not), so that none is opened unseen between here
# and the commit.
LOCK_PHONE_NUMBERS = """
select id from phone_numbers
where user_id = %(user_id)s and id in (
    select %(phone_number_id)s::uuid
    union select phone_number_id from agents where id = %(agent_id)s
    union select phone_number_id from conversations where agent_id = %(agent_id)s and status = 'active'
)
order by id for no key update
"""
LOCK_CONVERSATIONS = """
select id from conversations
where status = 'active' and user_id = %(user_id)s
    and (agent_id = %(agent_id)s or phone_number_id = %(phone_number_id)s and agent_id is null)
order by phone_number_id, customer_id, id for no key update
"""
LOCK_AGENT = "select phone_number_id from agents where id = %s and user_id = %s for update"
LOCK_PHONE_NUMBER = "select id from phone_numbers where id = %s and user_id = %s for update"
OWN_PROMPT = "select id from prompts where id = %s and user_id = %s"

ARCHIVE = """
update conversations set status = 'archived' where agent_id = %s and user_id = %s and status = 'active' returning id
"""
ADOPT = """
update conversations set agent_id = %s
where phone_number_id = %s and user_id = %s and agent_id is null and status = 'active'
"""


class PostgresAgents:
    """Agents, one row each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, agent: Agent, once: Once[Agent] | None = None) -> Agent:
        """Add it; see the port."""

        async def effect() -> Agent:
            await _must_own_what_it_names(connection, agent)
            await connection.execute(ADD, _columns(agent))
            await _adopt(connection, agent)
            return agent

        async with self._writing(agent.user_id, agent.id, agent.phone_number_id) as connection:
            return await done_once(connection, agent.user_id, once, effect)

    async def get(self, user_id: UUID, agent_id: UUID) -> Agent:
        """That agent; see the port."""
        return _agent(found(await self._database.of(user_id).fetch(GET, (agent_id, user_id)), "agent"))

    async def list(self, user_id: UUID, page: PageRequest) -> Page[Agent]:
        """A user's agents; see the port."""
        return await fetch_page(self._database.of(user_id), LIST, {"item.user_id = %s": user_id}, page, _agent)

    async def change(self, agent: Agent) -> Agent:
        """Store it as it is given; see the port."""
        async with self._writing(agent.user_id, agent.id, agent.phone_number_id) as connection:
            (answered_on,) = found(await fetched(connection, LOCK_AGENT, (agent.id, agent.user_id)), "agent")
            await _must_own_what_it_names(connection, agent)
            await connection.execute(CHANGE, _columns(agent))
            if agent.phone_number_id != answered_on:
                await _archive(connection, agent.user_id, agent.id)
            await _adopt(connection, agent)
        return agent

    async def remove(self, user_id: UUID, agent_id: UUID) -> None:
        """Delete it and archive its active conversations; see the port."""
        async with self._writing(user_id, agent_id, None) as connection:
            found(await fetched(connection, LOCK_AGENT, (agent_id, user_id)), "agent")
            await _archive(connection, user_id, agent_id)
            await connection.execute(REMOVE, (agent_id, user_id))

    @asynccontextmanager
    async def _writing(
        self, user_id: UUID, agent_id: UUID, phone_number_id: UUID | None
    ) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A transaction that holds every phone number and conversation it may touch."""
        touched = {"user_id": user_id, "agent_id": agent_id, "phone_number_id": phone_number_id}
        try:
            with refusals_named():
                async with self._database.of(user_id).transaction() as connection:
                    await connection.execute(LOCK_PHONE_NUMBERS, touched)
                    await connection.execute(LOCK_CONVERSATIONS, touched)
                    yield connection
        except psycopg.DataError as error:  # everything else that an agent holds has been checked
            raise InvalidInput("lead_form", "It must not contain U+0000, lone surrogates, NaN or Infinity.") from error


async def _must_own_what_it_names(connection: AsyncConnection[TupleRow], agent: Agent) -> None:
    if is_own_prompt(agent.prompt_id):
        found(await fetched(connection, OWN_PROMPT, (agent.prompt_id, agent.user_id)), "prompt")
    if agent.phone_number_id is not None:
        found(await fetched(connection, LOCK_PHONE_NUMBER, (agent.phone_number_id, agent.user_id)), "phone number")


async def _archive(connection: AsyncConnection[TupleRow], user_id: UUID, agent_id: UUID) -> None:
    """End the agent's conversations."""
    archived = await fetched(connection, ARCHIVE, (agent_id, user_id))
    await give_up_waiting(connection, user_id, [conversation_id for (conversation_id,) in archived])


async def _adopt(connection: AsyncConnection[TupleRow], agent: Agent) -> None:
    """Give the agent the conversations that were waiting for one where it answers now."""
    if agent.phone_number_id is not None:
        await connection.execute(ADOPT, (agent.id, agent.phone_number_id, agent.user_id))


def _columns(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "user_id": agent.user_id,
        "name": agent.name,
        "prompt_id": agent.prompt_id,
        "phone_number_id": agent.phone_number_id,
        "lead_form": None if agent.lead_form is None else Jsonb(agent.lead_form),
        "created_at": agent.created_at,
        "prompt_version": agent.prompt_version,
    }


def _agent(row: TupleRow) -> Agent:
    return Agent(*row)
