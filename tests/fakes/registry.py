"""Users, phone numbers, prompts and agents in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.answers import Once
from domain.agents import Agent, Prompt, Voice, is_own_prompt
from domain.channels import ChannelStatus, PhoneNumber
from domain.credits import Account
from domain.shared import Conflict, InvalidInput, NotFound
from domain.users import ApiKey, User
from tests.fakes.answers import done_once
from tests.fakes.memory_store import MemoryStore
from tests.fakes.pages import page_in_order, page_of


class Owned(Protocol):
    """Whatever belongs to a user."""

    @property
    def user_id(self) -> UUID: ...


Row = TypeVar("Row", bound=Owned)


def _owned(rows: Mapping[UUID, Row], user_id: UUID, id_: UUID, thing: str) -> Row:
    """The row with that id. Raises NotFound when there is none, or another user's."""
    row = rows.get(id_)
    if row is None or row.user_id != user_id:
        raise NotFound(thing)
    return row


class MemoryUsers:
    """Users and their keys."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def add(self, user: User, key: ApiKey, once: Once[User] | None = None) -> User:
        def effect() -> User:
            self._store.users[user.id] = user
            self._store.api_keys[key.id] = key
            self._store.accounts[user.id] = Account()
            return user

        return done_once(self._store, user.id, once, effect)

    async def get(self, user_id: UUID) -> User:
        return self._store.must_have_user(user_id)

    async def list(self, page: PageRequest) -> Page[User]:
        return page_of(self._store.users.values(), page)

    async def change(self, user: User) -> User:
        self._store.must_have_user(user.id)
        self._store.users[user.id] = user
        return user

    async def erase(self, user_id: UUID) -> list[UUID]:
        self._store.must_have_user(user_id)
        gone = [row.id for row in self._store.phone_numbers.values() if row.user_id == user_id]
        self._store.forget_user(user_id)
        return gone

    async def add_key(self, key: ApiKey, once: Once[ApiKey] | None = None) -> ApiKey:
        self._store.must_have_user(key.user_id)
        return done_once(self._store, key.user_id, once, lambda: self._store.api_keys.setdefault(key.id, key))

    async def find_key(self, key_id: UUID) -> ApiKey | None:
        key = self._store.api_keys.get(key_id)
        now = self._store.clock.now()
        if key and (key.last_used_at is None or key.last_used_at <= now - timedelta(minutes=1)):
            self._store.api_keys[key_id] = key = replace(key, last_used_at=now)
        return key

    async def list_keys(self, user_id: UUID, page: PageRequest) -> Page[ApiKey]:
        return page_of([key for key in self._store.api_keys.values() if key.user_id == user_id], page)

    async def remove_key(self, user_id: UUID, key_id: UUID) -> None:
        _owned(self._store.api_keys, user_id, key_id, "API key")
        del self._store.api_keys[key_id]


class MemoryPhoneNumbers:
    """Phone numbers; their sealed tokens lie beside them."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def add(
        self, phone_number: PhoneNumber, sealed_token: bytes | None, once: Once[PhoneNumber] | None = None
    ) -> PhoneNumber:
        self._store.must_have_user(phone_number.user_id)
        return done_once(self._store, phone_number.user_id, once, lambda: self._keep(phone_number, sealed_token))

    async def get(self, user_id: UUID, phone_number_id: UUID) -> PhoneNumber:
        return _owned(self._store.phone_numbers, user_id, phone_number_id, "phone number")

    async def list(self, user_id: UUID, page: PageRequest) -> Page[PhoneNumber]:
        return page_of([row for row in self._store.phone_numbers.values() if row.user_id == user_id], page)

    async def change(
        self, phone_number: PhoneNumber, sealed_token: bytes | None, *, resumes: bool = False
    ) -> PhoneNumber:
        now = await self.get(phone_number.user_id, phone_number.id)
        is_new = sealed_token is not None
        changed = replace(
            phone_number,
            status=ChannelStatus.ACTIVE if is_new or resumes else now.status,
            status_detail=None if is_new or resumes else now.status_detail,
            token_expires_at=None if is_new else now.token_expires_at,
        )
        return self._keep(changed, sealed_token)

    async def remove(self, user_id: UUID, phone_number_id: UUID) -> None:
        await self.get(user_id, phone_number_id)
        self._store.forget_phone_number(phone_number_id)

    def _keep(self, phone_number: PhoneNumber, sealed_token: bytes | None) -> PhoneNumber:
        others = [row for row in self._store.phone_numbers.values() if row.id != phone_number.id]
        account = _account(phone_number)
        if account[1] is not None and account in map(_account, others):
            raise Conflict("This account is connected already.")
        self._store.phone_numbers[phone_number.id] = phone_number
        if sealed_token is not None:
            self._store.set_token(phone_number.id, sealed_token)
        return phone_number


def _account(phone_number: PhoneNumber) -> tuple[str, str | None]:
    return phone_number.type, phone_number.meta_phone_number_id or phone_number.instagram_account_id


class MemoryPrompts:
    """Prompts, each the list of its versions."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def add(self, prompt: Prompt, once: Once[Prompt] | None = None) -> Prompt:
        self._store.must_have_user(prompt.user_id)
        return done_once(
            self._store, prompt.user_id, once, lambda: self._store.prompts.setdefault(prompt.id, [prompt])[0]
        )

    async def get(self, user_id: UUID, prompt_id: str) -> Prompt:
        versions = self._store.prompts.get(prompt_id)
        if versions is None or versions[-1].user_id != user_id:
            raise NotFound("prompt")
        return versions[-1]

    async def list(self, user_id: UUID, page: PageRequest) -> Page[Prompt]:
        latest = [versions[-1] for versions in self._store.prompts.values()]
        return page_of([prompt for prompt in latest if prompt.user_id == user_id], page)

    async def versions(self, user_id: UUID, prompt_id: str, page: PageRequest) -> Page[Prompt]:
        await self.get(user_id, prompt_id)
        return page_in_order(self._store.prompts[prompt_id], page, lambda prompt: [prompt.version])

    async def version(self, user_id: UUID, prompt_id: str, version: int) -> Prompt:
        versions = self._store.prompts.get(prompt_id, [])
        if not 1 <= version <= len(versions) or versions[-1].user_id != user_id:
            raise NotFound("prompt version")
        return versions[version - 1]

    async def add_version(
        self, user_id: UUID, prompt_id: str, voice: Voice, once: Once[Prompt] | None = None
    ) -> Prompt:
        latest = await self.get(user_id, prompt_id)

        def effect() -> Prompt:
            added = replace(latest, version=latest.version + 1, voice=voice, created_at=self._store.clock.now())
            self._store.prompts[prompt_id].append(added)
            return added

        return done_once(self._store, user_id, once, effect)


class MemoryAgents:
    """Agents, and what linking them does to conversations."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def add(self, agent: Agent, once: Once[Agent] | None = None) -> Agent:
        self._store.must_have_user(agent.user_id)

        def effect() -> Agent:
            self._must_fit(agent)
            return self._keep(agent)

        return done_once(self._store, agent.user_id, once, effect)

    async def get(self, user_id: UUID, agent_id: UUID) -> Agent:
        return _owned(self._store.agents, user_id, agent_id, "agent")

    async def list(self, user_id: UUID, page: PageRequest) -> Page[Agent]:
        return page_of([row for row in self._store.agents.values() if row.user_id == user_id], page)

    async def change(self, agent: Agent) -> Agent:
        before = await self.get(agent.user_id, agent.id)
        self._must_fit(agent)
        if agent.phone_number_id != before.phone_number_id:
            self._archive_conversations(agent.id)
        return self._keep(agent)

    async def remove(self, user_id: UUID, agent_id: UUID) -> None:
        await self.get(user_id, agent_id)
        self._archive_conversations(agent_id)
        self._store.forget_agent(agent_id)

    def _must_fit(self, agent: Agent) -> None:
        _must_be_storable(agent.lead_form)
        if is_own_prompt(agent.prompt_id):
            versions = self._store.prompts.get(agent.prompt_id)
            if versions is None or versions[-1].user_id != agent.user_id:
                raise NotFound("prompt")
            if (agent.prompt_version or 1) > len(versions):
                raise NotFound("prompt version")
        if agent.phone_number_id is not None:
            _owned(self._store.phone_numbers, agent.user_id, agent.phone_number_id, "phone number")
            there = self._store.agent_on(agent.phone_number_id)
            if there and there.id != agent.id:
                raise Conflict("Another agent answers on this phone number.")

    def _keep(self, agent: Agent) -> Agent:
        self._store.agents[agent.id] = agent
        for waiting in self._store.active_conversations():
            if waiting.agent_id is None and waiting.phone_number_id == agent.phone_number_id:
                self._store.conversations[waiting.id] = replace(waiting, agent_id=agent.id)
        return agent

    def _archive_conversations(self, agent_id: UUID) -> None:
        for conversation in self._store.active_conversations():
            if conversation.agent_id == agent_id:
                self._store.archive(conversation)


def _must_be_storable(lead_form: dict[str, Any] | None) -> None:
    """Raise InvalidInput for what is no JSON to Postgres, though it is to Python."""
    try:
        written = json.dumps(lead_form, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        written = b"\\u0000"
    if b"\\u0000" in written:
        raise InvalidInput("lead_form", "It must not contain U+0000, lone surrogates, NaN or Infinity.")
