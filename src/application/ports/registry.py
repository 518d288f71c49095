"""What integrators set up: users and their keys, phone numbers, prompts, agents.

Another user's things are NotFound, whatever is asked of them. Lists are in the order in which things came, and
raise InvalidInput for a cursor that none of their pages gave out. What takes `once` raises as Answers says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from application.pages import Page, PageRequest
from application.ports.answers import Once
from domain.agents import Agent, Prompt, Voice
from domain.channels import PhoneNumber
from domain.users import ApiKey, User


class Users(Protocol):
    """The businesses, and the keys they call with."""

    async def add(self, user: User, key: ApiKey, once: Once[User] | None = None) -> User:
        """Add a user with its first key and an empty credit account."""
        ...

    async def get(self, user_id: UUID) -> User:
        """That user. Raises NotFound."""
        ...

    async def list(self, page: PageRequest) -> Page[User]:
        """All users."""
        ...

    async def change(self, user: User) -> User:
        """Store its name and threshold as they are given. Raises NotFound."""
        ...

    async def erase(self, user_id: UUID) -> Sequence[UUID]:
        """Delete the user and everything of theirs, keys, ledger and conversations included. Raises NotFound.

        Returns the phone numbers that went. What the model's provider keeps is noted as an erasure in the same
        transaction.
        """
        ...

    async def add_key(self, key: ApiKey, once: Once[ApiKey] | None = None) -> ApiKey:
        """Add one more key. Raises NotFound when there is no such user."""
        ...

    async def find_key(self, key_id: UUID) -> ApiKey | None:
        """That key, noting (at most once a minute) that it was used; None when there is none."""
        ...

    async def list_keys(self, user_id: UUID, page: PageRequest) -> Page[ApiKey]:
        """A user's keys."""
        ...

    async def remove_key(self, user_id: UUID, key_id: UUID) -> None:
        """Delete a key: it opens nothing from now on. Raises NotFound."""
        ...


class PhoneNumbers(Protocol):
    """A user's channels. Tokens go in sealed and never come out here."""

    async def add(
        self, phone_number: PhoneNumber, sealed_token: bytes | None, once: Once[PhoneNumber] | None = None
    ) -> PhoneNumber:
        """Add it. Raises Conflict when another has the same account, NotFound when there is no such user."""
        ...

    async def get(self, user_id: UUID, phone_number_id: UUID) -> PhoneNumber:
        """That phone number. Raises NotFound."""
        ...

    async def list(self, user_id: UUID, page: PageRequest) -> Page[PhoneNumber]:
        """A user's phone numbers."""
        ...

    async def change(
        self, phone_number: PhoneNumber, sealed_token: bytes | None, *, resumes: bool = False
    ) -> PhoneNumber:
        """Store what a person decides about it; `sealed_token` None leaves the token. Returns what is stored now.

        Its status is the platform's: it is stored as active when a token is given, or by `resumes`, and else left as it
        is. With a new token nobody knows any more when it expires. Raises NotFound, or Conflict as `add` does.
        """
        ...

    async def remove(self, user_id: UUID, phone_number_id: UUID) -> None:
        """Delete it with its conversations; its agent stays, linked to none. Raises NotFound."""
        ...


class Prompts(Protocol):
    """A user's prompts. A version never changes once stored."""

    async def add(self, prompt: Prompt, once: Once[Prompt] | None = None) -> Prompt:
        """Add a prompt with its first version. Raises NotFound when there is no such user."""
        ...

    async def get(self, user_id: UUID, prompt_id: str) -> Prompt:
        """That prompt with its latest version. Raises NotFound."""
        ...

    async def list(self, user_id: UUID, page: PageRequest) -> Page[Prompt]:
        """A user's prompts, each with its latest version."""
        ...

    async def versions(self, user_id: UUID, prompt_id: str, page: PageRequest) -> Page[Prompt]:
        """The prompt in each of its versions, with the time at which that was added. Raises NotFound."""
        ...

    async def version(self, user_id: UUID, prompt_id: str, version: int) -> Prompt:
        """The prompt in that version, as `versions` gives it. Raises NotFound."""
        ...

    async def add_version(
        self, user_id: UUID, prompt_id: str, voice: Voice, once: Once[Prompt] | None = None
    ) -> Prompt:
        """The prompt with one more version, the latest from now on. Raises NotFound.

        Versions that are added at once get numbers of their own, in one order or the other.
        """
        ...


class Agents(Protocol):
    """A user's agents. A conversation belongs to the agent it began with."""

    async def add(self, agent: Agent, once: Once[Agent] | None = None) -> Agent:
        """Add it; linked to a phone number, it takes the active conversations there that had no agent.

        Raises Conflict when another agent answers on that phone number, NotFound when phone number, prompt or its
        version are none of the user's, InvalidInput for a lead form that is not storable JSON (U+0000, NaN).
        """
        ...

    async def get(self, user_id: UUID, agent_id: UUID) -> Agent:
        """That agent. Raises NotFound."""
        ...

    async def list(self, user_id: UUID, page: PageRequest) -> Page[Agent]:
        """A user's agents."""
        ...

    async def change(self, agent: Agent) -> Agent:
        """Store it as it is given; moved to another phone number (or none), its active conversations are archived.

        As `Conversations.archive` does, this gives up what waits in them.
        Where it is linked it takes the waiting conversations, as `add` does. Raises as `add` does.
        """
        ...

    async def remove(self, user_id: UUID, agent_id: UUID) -> None:
        """Delete it and archive its active conversations, which stay without an agent, as `change` does.

        Raises NotFound.
        """
        ...
