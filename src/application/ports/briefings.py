"""What must be known to take a turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.agents import Voice
from domain.channels import ChannelSettings, ChannelType


@dataclass(frozen=True, slots=True)
class Briefing:
    """Which voice answers, and through which account of the platform.

    `voice` and `prompt_version` are None for a prompt of the OpenAI dashboard, which OpenAI keeps.
    `access_token` is in the clear: it must not be logged, kept or shown. It is None when the phone number has
    none, or one that the house's keys cannot open. `token_version` names the token: what the platform says of it
    says nothing about another one that was set meanwhile.
    """

    prompt_id: str
    prompt_version: int | None
    voice: Voice | None
    channel: ChannelType
    account: str
    access_token: str | None
    settings: ChannelSettings = field(default_factory=ChannelSettings)
    token_version: UUID | None = field(default=None, compare=False)


class Briefings(Protocol):
    """Asked at each turn, so that every change is seen by the next one."""

    async def brief(self, agent_id: UUID, phone_number_id: UUID, version: UUID | None) -> Briefing | None:
        """The briefing, or None when agent or phone number has been removed meanwhile.

        `version` is what the store named when the turn began: only what was read in exactly that version may be at
        hand; anything else, and what has no name, is read from the store.
        """
        ...

    async def warm_up(self, limit: int) -> int:
        """Read what turns of the `limit` busiest phone numbers will ask for. Returns how many there were."""
        ...
