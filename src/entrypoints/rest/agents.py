"""``/users/{user_id}/agents``: the personas that answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from application.app import Application
from application.pages import PageRequest
from domain.agents import Agent
from domain.users import Caller
from entrypoints.rest.bodies import given, view
from entrypoints.rest.idempotency import Repeatable
from entrypoints.rest.paging import Listing, listing


class AgentBody(msgspec.Struct, forbid_unknown_fields=True):
    """An agent; `lead_form` is a JSON Schema. Without a `prompt_version` it follows the latest."""

    name: str
    prompt_id: str
    prompt_version: int | None = None
    phone_number_id: UUID | None = None
    lead_form: dict[str, Any] | None = None


class AgentPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What may change; a null `phone_number_id` unlinks it, with a null `prompt_version` it follows the latest."""

    name: str | UnsetType = UNSET
    prompt_id: str | UnsetType = UNSET
    prompt_version: int | UnsetType | None = UNSET
    phone_number_id: UUID | UnsetType | None = UNSET
    lead_form: dict[str, Any] | UnsetType | None = UNSET


class AgentView(msgspec.Struct):
    """An agent."""

    id: UUID
    user_id: UUID
    name: str
    prompt_id: str
    prompt_version: int | None
    phone_number_id: UUID | None
    lead_form: dict[str, Any] | None
    created_at: datetime


@post("/users/{user_id:uuid}/agents")
async def add_agent(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    data: JSONBody[AgentBody],
    repeatable: NamedDependency[Repeatable],
) -> AgentView:
    """Add an agent; linked to a phone number, it answers what is waiting there."""
    once = repeatable.once(_view)
    agent = await application.agents.add(
        caller,
        user_id,
        data.name,
        data.prompt_id,
        data.phone_number_id,
        data.lead_form,
        data.prompt_version,
        once,
    )
    return _view(agent)


@get("/users/{user_id:uuid}/agents")
async def list_agents(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
) -> Listing[AgentView]:
    """List a user's agents."""
    return listing(AgentView, await application.agents.list(caller, user_id, page))


@get("/users/{user_id:uuid}/agents/{agent_id:uuid}")
async def show_agent(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    agent_id: FromPath[UUID],
) -> AgentView:
    """Show an agent."""
    return view(AgentView, await application.agents.get(caller, user_id, agent_id))


@patch("/users/{user_id:uuid}/agents/{agent_id:uuid}")
async def change_agent(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    agent_id: FromPath[UUID],
    data: JSONBody[AgentPatch],
) -> AgentView:
    """Change what is given; moved or unlinked, the agent's active conversations are archived."""
    return view(AgentView, await application.agents.change(caller, user_id, agent_id, **given(data)))


@delete("/users/{user_id:uuid}/agents/{agent_id:uuid}")
async def remove_agent(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    agent_id: FromPath[UUID],
) -> None:
    """Delete an agent and archive its active conversations."""
    await application.agents.remove(caller, user_id, agent_id)


routes = [add_agent, list_agents, show_agent, change_agent, remove_agent]


def _view(agent: Agent) -> AgentView:
    return view(AgentView, agent)
