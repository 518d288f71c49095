"""Agents, and the prompts they speak from: an edit is a new version."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from application.app import Application
from application.console import SignedIn
from application.pages import PageRequest
from domain.agents import Voice
from domain.shared import InvalidInput
from entrypoints.rest.dashboard.pages import Desk, back_to
from entrypoints.rest.dashboard.sessions import Form
from entrypoints.rest.errors import status_of

SHOWN_MAX = 200
VERSIONS_SHOWN = 20


@get("/users/{user_id:uuid}/agents")
async def show_agents(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
) -> Response[Any]:
    """Agents and prompts, side by side."""
    desk = await Desk.of(request, application, signed_in, user_id)
    page = PageRequest(SHOWN_MAX)
    prompts = await application.prompts.list(desk.caller, user_id, page)
    numbers = await application.phone_numbers.list(desk.caller, user_id, page)
    return desk.page(
        "agents",
        agents=await application.agents.list(desk.caller, user_id, page),
        prompts=prompts,
        prompts_by_id={prompt.id: prompt for prompt in prompts.items},
        numbers={number.id: number for number in numbers.items},
    )


@post("/users/{user_id:uuid}/agents/{agent_id:uuid}")
async def change_agent(
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    form: NamedDependency[Form],
    user_id: FromPath[UUID],
    agent_id: FromPath[UUID],
) -> Response[Any]:
    """Give an agent another prompt to speak from."""
    await application.agents.change(signed_in.caller, user_id, agent_id, prompt_id=form.get("prompt_id", ""))
    return back_to(f"/dashboard/users/{user_id}/agents", "agent")


@get("/users/{user_id:uuid}/prompts/{prompt_id:str}")
async def show_prompt(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    user_id: FromPath[UUID],
    prompt_id: FromPath[str],
) -> Response[Any]:
    """A prompt, ready to be edited."""
    desk = await Desk.of(request, application, signed_in, user_id)
    return await _shown(desk, prompt_id, {})


@post("/users/{user_id:uuid}/prompts/{prompt_id:str}")
async def add_version(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    signed_in: NamedDependency[SignedIn],
    form: NamedDependency[Form],
    user_id: FromPath[UUID],
    prompt_id: FromPath[str],
) -> Response[Any]:
    """Store what was edited as a new version. What is wrong with it is said beside the form."""
    try:
        await application.prompts.add_version(signed_in.caller, user_id, prompt_id, _voice(form))
    except InvalidInput as error:
        desk = await Desk.of(request, application, signed_in, user_id)
        return await _shown(desk, prompt_id, form, f"{error.field}: {error}", status_of(type(error)))
    return back_to(f"/dashboard/users/{user_id}/prompts/{prompt_id}", "version")


async def _shown(desk: Desk, prompt_id: str, form: Form, error: str | None = None, status: int = 200) -> Response[Any]:
    prompt = await desk.application.prompts.get(desk.caller, desk.user_id, prompt_id)
    versions = await desk.application.prompts.versions(
        desk.caller, desk.user_id, prompt_id, PageRequest(VERSIONS_SHOWN, newest_first=True)
    )
    voice = prompt.voice
    entered = {
        "instructions": form.get("instructions", voice.instructions),
        "model": form.get("model", voice.model),
        "temperature": form.get("temperature", _shown_number(voice.temperature)),
        "max_output_tokens": form.get("max_output_tokens", _shown_number(voice.max_output_tokens)),
    }
    return desk.page("prompt", status=status, prompt=prompt, versions=versions.items, entered=entered, error=error)


def _shown_number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _voice(form: Form) -> Voice:
    return Voice(
        # Browsers send line breaks of their own kind.
        instructions=form.get("instructions", "").replace("\r\n", "\n"),
        model=form.get("model", "").strip(),
        temperature=_number(form, "temperature", float),
        max_output_tokens=_number(form, "max_output_tokens", int),
    )


def _number(form: Form, field: str, kind: Any) -> Any:  # noqa: ANN401 - int or float
    word = form.get(field, "").strip()
    try:
        return kind(word) if word else None
    except ValueError as error:
        raise InvalidInput(field, "It must be a number, or empty.") from error


routes = [show_agents, change_agent, show_prompt, add_version]
