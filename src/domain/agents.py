"""Agents, the prompts they speak from, and what a model is asked to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.shared import InvalidInput, NotFound, checked_text

OWN_PROMPT = re.compile(r"prm_[0-9a-f]{32}")
DASHBOARD_PROMPT = re.compile(r"pmpt_[A-Za-z0-9_]{1,128}")
TEMPERATURE_MAX = 2.0
VERSION_MAX = 2**31 - 1
OUTPUT_TOKENS_MIN = 16
"""The least that the Responses API takes as ``max_output_tokens``."""
OUTPUT_TOKENS_MAX = 1_000_000
"""Far above what any model gives, and within what the store's integers hold."""
FORM_DEPTH_MAX = 32
FORM_NUMBER_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Voice:
    """What a prompt version says: instructions and model settings. It never changes once stored."""

    instructions: str
    model: str
    temperature: float | None = None
    max_output_tokens: int | None = None

    def __post_init__(self) -> None:
        """Raise InvalidInput for settings no model takes."""
        if not self.model.strip():
            raise InvalidInput("model", "It must name a model.")
        if self.temperature is not None and not 0 <= self.temperature <= TEMPERATURE_MAX:
            raise InvalidInput("temperature", f"It must lie between 0 and {TEMPERATURE_MAX:g}.")
        if self.max_output_tokens is not None and self.max_output_tokens < OUTPUT_TOKENS_MIN:
            raise InvalidInput("max_output_tokens", f"It must be at least {OUTPUT_TOKENS_MIN}.")
        if (self.max_output_tokens or 0) > OUTPUT_TOKENS_MAX:
            raise InvalidInput("max_output_tokens", f"It must be at most {OUTPUT_TOKENS_MAX}.")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with one of its versions: the latest, unless another was asked for."""

    id: str
    user_id: UUID
    name: str
    version: int
    voice: Voice
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Agent:
    """The persona that answers on a phone number, speaking from the prompt `prompt_id` names.

    It is pinned to `prompt_version`, or follows the latest when that is None.
    """

    id: UUID
    user_id: UUID
    name: str
    prompt_id: str
    phone_number_id: UUID | None
    lead_form: dict[str, Any] | None
    created_at: datetime
    prompt_version: int | None = None

    def __post_init__(self) -> None:
        """Raise InvalidInput for a pin that nobody could check: versions on the dashboard are OpenAI's."""
        if self.prompt_version is None:
            return
        if not is_own_prompt(self.prompt_id):
            raise InvalidInput("prompt_version", "Only a prompt of Frontdesk's own (prm_…) has versions to pin.")
        if not 1 <= self.prompt_version <= VERSION_MAX:
            raise InvalidInput("prompt_version", "It must be a version of the prompt, counted from 1.")


def own_prompt_id(prompt_uuid: UUID) -> str:
    """The id of a prompt that Frontdesk keeps."""
    return f"prm_{prompt_uuid.hex}"


def is_own_prompt(prompt_id: str) -> bool:
    """Whether Frontdesk keeps this prompt. Raises InvalidInput for what is no prompt id at all.

    The other kind is an id of the OpenAI dashboard, passed through as it is. OpenAI switches those off
    on 2026-11-30; from then on OpenAI's own error is what the turn reports.
    """
    if OWN_PROMPT.fullmatch(prompt_id):
        return True
    if DASHBOARD_PROMPT.fullmatch(prompt_id):
        return False
    raise InvalidInput("prompt_id", "It must be an id of a prompt (prm_…) or of the OpenAI dashboard (pmpt_…).")


def known_prompt_id(prompt_id: str) -> str:
    """`prompt_id` as it is. Raises NotFound for what could not be an id of ours, which no store needs to see."""
    if not OWN_PROMPT.fullmatch(prompt_id):
        raise NotFound("prompt")
    return prompt_id


def checked_form(form: dict[str, Any]) -> dict[str, Any]:
    """`form` as it is. Raises InvalidInput for what JSON allows and a store or another reader of JSON does not take."""
    _must_be_storable(form, 0)
    return form


def _must_be_storable(value: object, depth: int) -> None:
    if depth > FORM_DEPTH_MAX:
        raise InvalidInput("lead_form", f"It must not be nested deeper than {FORM_DEPTH_MAX}.")
    match value:
        case str():
            checked_text(value, "lead_form")
        case int() if abs(value) > FORM_NUMBER_MAX:
            raise InvalidInput("lead_form", "A whole number in it must lie within 2^53.")
        case dict():
            for name, item in value.items():
                checked_text(name, "lead_form")
                _must_be_storable(item, depth + 1)
        case list():
            for item in value:
                _must_be_storable(item, depth + 1)
