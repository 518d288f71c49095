"""What Postgres keeps, in plain dictionaries. The fakes of one test share one of these."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from application.ports.clock import Clock
from application.ports.credits import Added
from domain.agents import Agent, Prompt
from domain.channels import ChannelType, InboundMessage, PhoneNumber
from domain.conversations import (
    Conversation,
    ConversationStatus,
    Customer,
    InboundStatus,
    Message,
    TurnStatus,
    UnansweredReason,
)
from domain.credits import TURN_PRICE, Account, Entry, EntryKind, changes
from domain.shared import NotFound
from domain.users import ApiKey, User
from tests.fakes.clock import FrozenClock


@dataclass(slots=True)
class StoredTurn:
    """A turn as it is kept."""

    id: UUID
    user_id: UUID
    conversation_id: UUID
    phone_number_id: UUID
    agent_id: UUID
    worker_id: UUID | None
    begun_at: datetime
    status: TurnStatus = TurnStatus.OPEN
    fence: int = 1
    attempts: int = 1
    crashes: int = 0


@dataclass(slots=True)
class MemoryStore:
    """All rows by their id.

    A prompt is the list of its versions. A conversation carries its customer as it was when the conversation
    was put here: `shown` gives the customer of today. `last_item_ids` belong to conversations. Messages stand in the
    order in which they came.
    """

    clock: Clock = field(default_factory=FrozenClock)
    users: dict[UUID, User] = field(default_factory=dict)
    api_keys: dict[UUID, ApiKey] = field(default_factory=dict)
    phone_numbers: dict[UUID, PhoneNumber] = field(default_factory=dict)
    sealed_tokens: dict[UUID, bytes] = field(default_factory=dict)
    prompts: dict[str, list[Prompt]] = field(default_factory=dict)
    agents: dict[UUID, Agent] = field(default_factory=dict)
    customers: dict[UUID, Customer] = field(default_factory=dict)
    customer_ids: dict[tuple[UUID, ChannelType, str], UUID] = field(default_factory=dict)
    conversations: dict[UUID, Conversation] = field(default_factory=dict)
    last_item_ids: dict[UUID, str] = field(default_factory=dict)
    messages: dict[UUID, Message] = field(default_factory=dict)
    accounts: dict[UUID, Account] = field(default_factory=dict)
    entries: dict[UUID, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[tuple[UUID, str], tuple[Any, Added]] = field(default_factory=dict)
    turns: dict[UUID, StoredTurn] = field(default_factory=dict)
    former_platform_message_ids: dict[UUID, set[str]] = field(default_factory=lambda: defaultdict(set))
    workers: dict[UUID, datetime] = field(default_factory=dict)
    unclaimed: dict[tuple[ChannelType, str, str], InboundMessage] = field(default_factory=dict)
    calls_open: int = 0

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """One call of a store, whole: others may come before it and after it, none in between."""
        self.calls_open += 1
        try:
            await asyncio.sleep(0)
            yield
        finally:
            self.calls_open -= 1

    def must_have_user(self, user_id: UUID) -> User:
        """That user. Raises NotFound."""
        if user_id not in self.users:
            raise NotFound("user")
        return self.users[user_id]

    def rows(self) -> int:
        """How many rows of any kind there are."""
        tables = (getattr(self, one.name) for one in fields(self) if one.name not in {"clock", "calls_open"})
        return sum(len(table) for table in tables)

    def owner_of(self, row: Conversation | Message) -> UUID:
        """Whose phone number it happened on."""
        return self.phone_numbers[row.phone_number_id].user_id

    def agent_on(self, phone_number_id: UUID) -> Agent | None:
        """The agent that answers there."""
        return next((agent for agent in self.agents.values() if agent.phone_number_id == phone_number_id), None)

    def messages_of(self, conversation_id: UUID) -> list[Message]:
        """What was said in it, in order."""
        said = [message for message in self.messages.values() if message.conversation_id == conversation_id]
        return sorted(said, key=lambda message: message.sequence_number)

    def shown(self, conversation: Conversation) -> Conversation:
        """The conversation with its customer as it is now."""
        return replace(conversation, customer=self.customers[conversation.customer.id])

    def active_conversations(self) -> list[Conversation]:
        """Those that go on."""
        return [row for row in self.conversations.values() if row.status is ConversationStatus.ACTIVE]

    def archive(self, conversation: Conversation) -> Conversation:
        """End it, and give up what waits in it without a turn."""
        self.conversations[conversation.id] = replace(conversation, status=ConversationStatus.ARCHIVED)
        waiting = {InboundStatus.RECEIVED, InboundStatus.BLOCKED}
        for message in self.messages_of(conversation.id):
            if message.direction == "inbound" and message.turn_id is None and message.status in waiting:
                self.messages[message.id] = replace(
                    message, status=InboundStatus.UNANSWERABLE, reason=UnansweredReason.ARCHIVED
                )
        return self.conversations[conversation.id]

    def forget_agent(self, agent_id: UUID) -> None:
        """Delete it; its conversations stay, without an agent."""
        del self.agents[agent_id]
        for conversation in [row for row in self.conversations.values() if row.agent_id == agent_id]:
            self.conversations[conversation.id] = replace(conversation, agent_id=None)

    def forget_phone_number(self, phone_number_id: UUID) -> None:
        """Delete it with its conversations; the agent that answered there stays, linked to none.

        What open turns held is free again.
        """
        for turn in [turn for turn in self.turns.values() if turn.phone_number_id == phone_number_id]:
            if turn.status in {TurnStatus.OPEN, TurnStatus.UNDECIDED}:
                self.move_credits(turn.user_id, EntryKind.RELEASE, TURN_PRICE, turn.id, None)
            del self.turns[turn.id]
        del self.phone_numbers[phone_number_id]
        self.sealed_tokens.pop(phone_number_id, None)
        if agent := self.agent_on(phone_number_id):
            self.agents[agent.id] = replace(agent, phone_number_id=None)
        _drop(self.conversations, lambda row: row.phone_number_id == phone_number_id)
        for id_ in self.last_item_ids.keys() - self.conversations.keys():
            del self.last_item_ids[id_]
        _drop(self.messages, lambda row: row.phone_number_id == phone_number_id)

    def forget_user(self, user_id: UUID) -> None:
        """Delete the user and everything of theirs."""
        del self.users[user_id]
        for phone_number in [row for row in self.phone_numbers.values() if row.user_id == user_id]:
            self.forget_phone_number(phone_number.id)
        _drop(self.api_keys, lambda row: row.user_id == user_id)
        _drop(self.prompts, lambda versions: versions[0].user_id == user_id)
        _drop(self.agents, lambda row: row.user_id == user_id)
        for key in [key for key in self.customer_ids if key[0] == user_id]:
            del self.customers[self.customer_ids.pop(key)]
        self.accounts.pop(user_id, None)
        self.entries.pop(user_id, None)
        for answered in [answered for answered in self.answers if answered[0] == user_id]:
            del self.answers[answered]

    def move_credits(
        self, user_id: UUID, kind: EntryKind, amount: int, turn_id: UUID | None, note: str | None
    ) -> Entry:
        """Write one line of a ledger and the account after it. Raises as `Account.after` does."""
        self.accounts[user_id] = self.accounts[user_id].after(kind, amount)
        entry_id = 1 + sum(len(lines) for lines in self.entries.values())
        entry = Entry(entry_id, kind, amount, *changes(kind, amount), turn_id, note, self.clock.now())
        self.entries[user_id].append(entry)
        return entry

    def unblock(self, user_id: UUID) -> None:
        """Put the user's messages that wait for credit back to waiting for an answer."""
        for message in list(self.messages.values()):
            if message.status == InboundStatus.BLOCKED and self.owner_of(message) == user_id:
                self.messages[message.id] = replace(message, status=InboundStatus.RECEIVED, reason=None)


def _drop(rows: dict[Any, Any], unwanted: Callable[[Any], bool]) -> None:
    for id_ in [id_ for id_, row in rows.items() if unwanted(row)]:
        del rows[id_]
