"""Agents and the prompts they speak from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack
from uuid import UUID

from application.pages import PAGE_SIZE_MAX, Page, PageRequest
from application.ports.answers import Once
from application.ports.clock import Clock, Ids
from application.ports.registry import Agents, Prompts
from application.ports.turn_queue import TurnQueue
from application.ports.turns import Turns, WaitingFilter
from application.requeue import requeue
from domain.agents import Agent, Prompt, Voice, checked_form, is_own_prompt, known_prompt_id, own_prompt_id
from domain.leads.form import DEFAULT_FORM, read_form
from domain.shared import checked_name, checked_text
from domain.users import Caller


class AgentChanges(TypedDict, total=False):
    """What may change about an agent; what is absent stays."""

    name: str
    prompt_id: str
    prompt_version: int | None
    phone_number_id: UUID | None
    lead_form: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ManagePrompts:
    """A user's prompts. A change is a new version; the old ones stay as they were."""

    prompts: Prompts
    clock: Clock
    ids: Ids

    async def add(
        self, caller: Caller, user_id: UUID, name: str, voice: Voice, once: Once[Prompt] | None = None
    ) -> Prompt:
        """Add a prompt with its first version. Raises InvalidInput or NotFound, and as Answers says."""
        caller.must_write(user_id)
        prompt_id = own_prompt_id(self.ids.new())
        prompt = Prompt(prompt_id, user_id, checked_name(name), 1, _checked(voice), self.clock.now())
        return await self.prompts.add(prompt, once)

    async def get(self, caller: Caller, user_id: UUID, prompt_id: str) -> Prompt:
        """That prompt with its latest version. Raises NotFound."""
        caller.must_read(user_id)
        return await self.prompts.get(user_id, known_prompt_id(prompt_id))

    async def list(self, caller: Caller, user_id: UUID, page: PageRequest) -> Page[Prompt]:
        """The user's prompts."""
        caller.must_read(user_id)
        return await self.prompts.list(user_id, page)

    async def versions(self, caller: Caller, user_id: UUID, prompt_id: str, page: PageRequest) -> Page[Prompt]:
        """All versions of the prompt, as they were added. Raises NotFound."""
        caller.must_read(user_id)
        return await self.prompts.versions(user_id, known_prompt_id(prompt_id), page)

    async def version(self, caller: Caller, user_id: UUID, prompt_id: str, version: int) -> Prompt:
        """That version of the prompt. Raises NotFound."""
        caller.must_read(user_id)
        return await self.prompts.version(user_id, known_prompt_id(prompt_id), version)

    async def add_version(
        self, caller: Caller, user_id: UUID, prompt_id: str, voice: Voice, once: Once[Prompt] | None = None
    ) -> Prompt:
        """A new version, which agents that follow this prompt speak from their next turn on. Raises as Answers says."""
        caller.must_write(user_id)
        return await self.prompts.add_version(user_id, known_prompt_id(prompt_id), _checked(voice), once)


@dataclass(frozen=True, slots=True)
class ManageAgents:
    """A user's agents. One that is linked to a phone number answers what is waiting there."""

    agents: Agents
    prompts: Prompts
    turns: Turns
    queue: TurnQueue
    clock: Clock
    ids: Ids

    async def add(
        self,
        caller: Caller,
        user_id: UUID,
        name: str,
        prompt_id: str,
        phone_number_id: UUID | None,
        lead_form: dict[str, Any] | None,
        prompt_version: int | None = None,
        once: Once[Agent] | None = None,
    ) -> Agent:
        """Add an agent. Raises InvalidInput, NotFound, or Conflict when the phone number has one already.

        Raises as Answers says too.
        """
        caller.must_write(user_id)
        _must_be_form(lead_form)
        agent = Agent(
            self.ids.new(),
            user_id,
            checked_name(name),
            prompt_id,
            phone_number_id,
            lead_form,
            self.clock.now(),
            prompt_version,
        )
        await self._must_have_prompt(agent)
        return await self._answering(await self.agents.add(agent, once))

    async def get(self, caller: Caller, user_id: UUID, agent_id: UUID) -> Agent:
        """That agent. Raises NotFound."""
        caller.must_read(user_id)
        return await self.agents.get(user_id, agent_id)

    async def list(self, caller: Caller, user_id: UUID, page: PageRequest) -> Page[Agent]:
        """The user's agents."""
        caller.must_read(user_id)
        return await self.agents.list(user_id, page)

    async def lead_fields(self, caller: Caller, user_id: UUID) -> Sequence[str]:
        """The names of what the user's lead forms ask for, each once: columns of an export."""
        caller.must_read(user_id)
        names = dict.fromkeys(DEFAULT_FORM["properties"])
        page = await self.agents.list(user_id, PageRequest(PAGE_SIZE_MAX))
        while True:
            for agent in page.items:
                names |= dict.fromkeys((agent.lead_form or {}).get("properties", {}))
            if page.next_cursor is None:
                return list(names)
            page = await self.agents.list(user_id, PageRequest(PAGE_SIZE_MAX, page.next_cursor))

    async def change(self, caller: Caller, user_id: UUID, agent_id: UUID, **changes: Unpack[AgentChanges]) -> Agent:
        """Change what is given. Moved to another phone number, or to none, its active conversations are archived.

        With another prompt it follows the latest version, unless one is given.
        """
        caller.must_write(user_id)
        if "name" in changes:
            changes["name"] = checked_name(changes["name"])
        _must_be_form(changes.get("lead_form"))
        agent = await self.agents.get(user_id, agent_id)
        if changes.get("prompt_id", agent.prompt_id) != agent.prompt_id:
            changes.setdefault("prompt_version", None)
        changed = replace(agent, **changes)
        await self._must_have_prompt(changed)
        return await self._answering(await self.agents.change(changed))

    async def remove(self, caller: Caller, user_id: UUID, agent_id: UUID) -> None:
        """Delete an agent and archive its active conversations. Raises NotFound."""
        caller.must_write(user_id)
        await self.agents.remove(user_id, agent_id)

    async def _must_have_prompt(self, agent: Agent) -> None:
        if agent.prompt_version is not None:
            await self.prompts.version(agent.user_id, agent.prompt_id, agent.prompt_version)
        elif is_own_prompt(agent.prompt_id):
            await self.prompts.get(agent.user_id, agent.prompt_id)

    async def _answering(self, agent: Agent) -> Agent:
        if agent.phone_number_id is not None:
            await requeue(self.turns, self.queue, WaitingFilter(phone_number_id=agent.phone_number_id))
        return agent


def _checked(voice: Voice) -> Voice:
    checked_text(voice.instructions, "instructions")
    checked_text(voice.model, "model", 200)
    return voice


def _must_be_form(lead_form: dict[str, Any] | None) -> None:
    """Raise InvalidInput for a form that no store takes, or that no model could be held to."""
    if lead_form is not None:
        checked_form(lead_form)
        read_form(lead_form)
