"""``/users/{user_id}/prompts``: versioned texts with model settings. A version never changes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter

from application.app import Application
from application.pages import PageRequest
from domain.agents import VERSION_MAX, Prompt, Voice
from domain.shared import checked_name
from domain.users import Caller
from entrypoints.rest.idempotency import Repeatable
from entrypoints.rest.paging import Listing


class VersionBody(msgspec.Struct, forbid_unknown_fields=True):
    """What a version says. A name may be given, as when the prompt was made; the prompt keeps its own."""

    instructions: str
    model: str
    temperature: float | None = None
    max_output_tokens: int | None = None
    name: str | None = None


class PromptBody(msgspec.Struct, forbid_unknown_fields=True):
    """A prompt with its first version."""

    name: str
    instructions: str
    model: str
    temperature: float | None = None
    max_output_tokens: int | None = None


class PromptView(msgspec.Struct):
    """A prompt with one of its versions: the latest, unless another was asked for, which then has its own time."""

    id: str
    version: int
    name: str
    instructions: str
    model: str
    temperature: float | None
    max_output_tokens: int | None
    created_at: datetime


@post("/users/{user_id:uuid}/prompts")
async def add_prompt(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    data: JSONBody[PromptBody],
    repeatable: NamedDependency[Repeatable],
) -> PromptView:
    """Add a prompt with its first version."""
    once = repeatable.once(_view)
    return _view(await application.prompts.add(caller, user_id, data.name, _voice(data), once))


@get("/users/{user_id:uuid}/prompts")
async def list_prompts(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    page: NamedDependency[PageRequest],
) -> Listing[PromptView]:
    """List a user's prompts, each with its latest version."""
    prompts = await application.prompts.list(caller, user_id, page)
    return Listing([_view(prompt) for prompt in prompts.items], prompts.next_cursor)


@get("/users/{user_id:uuid}/prompts/{prompt_id:str}")
async def show_prompt(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    prompt_id: FromPath[str],
) -> PromptView:
    """Show a prompt with its latest version."""
    return _view(await application.prompts.get(caller, user_id, prompt_id))


@get("/users/{user_id:uuid}/prompts/{prompt_id:str}/versions")
async def list_prompt_versions(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    prompt_id: FromPath[str],
    page: NamedDependency[PageRequest],
) -> Listing[PromptView]:
    """List all versions of a prompt; none of them ever changes."""
    versions = await application.prompts.versions(caller, user_id, prompt_id, page)
    return Listing([_view(version) for version in versions.items], versions.next_cursor)


@get("/users/{user_id:uuid}/prompts/{prompt_id:str}/versions/{version:int}")
async def show_prompt_version(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    prompt_id: FromPath[str],
    version: FromPath[Annotated[int, PathParameter(ge=1, le=VERSION_MAX)]],
) -> PromptView:
    """Show one version of a prompt."""
    return _view(await application.prompts.version(caller, user_id, prompt_id, version))


@post("/users/{user_id:uuid}/prompts/{prompt_id:str}/versions")
async def add_prompt_version(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    prompt_id: FromPath[str],
    data: JSONBody[VersionBody],
    repeatable: NamedDependency[Repeatable],
) -> PromptView:
    """Add a version, which agents that follow the prompt speak from their next turn on."""
    once = repeatable.once(_view)
    return _view(await application.prompts.add_version(caller, user_id, prompt_id, _voice(data), once))


routes = [add_prompt, list_prompts, show_prompt, list_prompt_versions, show_prompt_version, add_prompt_version]


def _voice(body: PromptBody | VersionBody) -> Voice:
    if body.name is not None:
        checked_name(body.name)
    return Voice(body.instructions, body.model, body.temperature, body.max_output_tokens)


def _view(prompt: Prompt) -> PromptView:
    voice = prompt.voice
    return PromptView(
        prompt.id,
        prompt.version,
        prompt.name,
        voice.instructions,
        voice.model,
        voice.temperature,
        voice.max_output_tokens,
        prompt.created_at,
    )
