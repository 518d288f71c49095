"""Prompts in Postgres: a row for the prompt, a row for each version."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow

from adapters.persistence.answers import done_once
from adapters.persistence.database import Database
from adapters.persistence.pages import BY_NAMED_CREATION, Order, fetch_page, read_number
from adapters.persistence.refusals import refusals_named
from adapters.persistence.rows import fetched, found
from application.pages import Page, PageRequest
from application.ports.answers import Once
from domain.agents import Prompt, Voice
from domain.shared import storable

LIST = """
select item.id, item.user_id, item.name, item.latest_version, item.created_at,
    v.instructions, v.model, v.temperature, v.max_output_tokens
from prompts item join prompt_versions v on v.prompt_id = item.id and v.version = item.latest_version
"""
GET = LIST + "where item.id = %s and item.user_id = %s"
# A version is listed at its own time, under its own number.
VERSIONS = """
select item.prompt_id, prompt.user_id, prompt.name, item.version, item.created_at,
    item.instructions, item.model, item.temperature, item.max_output_tokens
from prompt_versions item join prompts prompt on prompt.id = item.prompt_id
"""
VERSION = VERSIONS + "where item.prompt_id = %s and prompt.user_id = %s and item.version = %s"
BY_VERSION = Order(("item.version",), lambda prompt: str(prompt.version), read_number)
ADD = """
with prompt as (
    insert into prompts (id, user_id, name, latest_version, created_at)
    values (%(id)s, %(user_id)s, %(name)s, %(version)s, %(created_at)s)
)
insert into prompt_versions (prompt_id, version, instructions, model, temperature, max_output_tokens, created_at)
values (%(id)s, %(version)s, %(instructions)s, %(model)s, %(temperature)s, %(max_output_tokens)s, %(created_at)s)
returning version
"""
# Of two that are added at once the second waits for the row, and counts on from what it then finds there.
ADD_VERSION = """
with prompt as (
    update prompts set latest_version = latest_version + 1 where id = %(id)s and user_id = %(user_id)s
    returning id, user_id, name, latest_version, created_at
), version as (
    insert into prompt_versions (prompt_id, version, instructions, model, temperature, max_output_tokens)
    select id, latest_version, %(instructions)s, %(model)s, %(temperature)s, %(max_output_tokens)s from prompt
    returning instructions, model, temperature, max_output_tokens
)
select prompt.*, version.* from prompt, version
"""


class PostgresPrompts:
    """Prompts and their versions. No statement here changes a version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, prompt: Prompt, once: Once[Prompt] | None = None) -> Prompt:
        """Add a prompt with its first version; see the port."""
        parameters = {
            "id": prompt.id,
            "user_id": prompt.user_id,
            "name": prompt.name,
            "version": prompt.version,
            "created_at": prompt.created_at,
            **_settings(prompt.voice),
        }

        async def effect() -> Prompt:
            await connection.execute(ADD, parameters)
            return prompt

        with refusals_named():
            async with self._database.of(prompt.user_id).transaction() as connection:
                return await done_once(connection, prompt.user_id, once, effect)

    async def get(self, user_id: UUID, prompt_id: str) -> Prompt:
        """That prompt with its latest version; see the port."""
        return _prompt(found(await self._database.of(user_id).fetch(GET, (storable(prompt_id), user_id)), "prompt"))

    async def list(self, user_id: UUID, page: PageRequest) -> Page[Prompt]:
        """A user's prompts; see the port."""
        return await fetch_page(
            self._database.of(user_id), LIST, {"item.user_id = %s": user_id}, page, _prompt, BY_NAMED_CREATION
        )

    async def versions(self, user_id: UUID, prompt_id: str, page: PageRequest) -> Page[Prompt]:
        """The prompt in each of its versions; see the port."""
        await self.get(user_id, prompt_id)
        conditions = {"item.prompt_id = %s": prompt_id, "prompt.user_id = %s": user_id}
        return await fetch_page(self._database.of(user_id), VERSIONS, conditions, page, _prompt, BY_VERSION)

    async def version(self, user_id: UUID, prompt_id: str, version: int) -> Prompt:
        """The prompt in that version; see the port."""
        named = (storable(prompt_id), user_id, version)
        return _prompt(found(await self._database.of(user_id).fetch(VERSION, named), "prompt version"))

    async def add_version(
        self, user_id: UUID, prompt_id: str, voice: Voice, once: Once[Prompt] | None = None
    ) -> Prompt:
        """The prompt with one more version; see the port."""
        parameters = {"id": storable(prompt_id), "user_id": user_id, **_settings(voice)}

        async def effect() -> Prompt:
            return _prompt(found(await fetched(connection, ADD_VERSION, parameters), "prompt"))

        async with self._database.of(user_id).transaction() as connection:
            return await done_once(connection, user_id, once, effect)


def _settings(voice: Voice) -> dict[str, Any]:
    return {
        "instructions": voice.instructions,
        "model": voice.model,
        "temperature": voice.temperature,
        "max_output_tokens": voice.max_output_tokens,
    }


def _prompt(row: TupleRow) -> Prompt:
    id_, user_id, name, version, created_at, *voice = row
    return Prompt(id_, user_id, name, version, Voice(*voice), created_at)
