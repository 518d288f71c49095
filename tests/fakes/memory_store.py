"""What Postgres keeps, in plain dictionaries. The fakes of one test share one of these."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from application.ports.clock import Clock, Ids
from domain.agents import Agent, Prompt
from domain.alert_deliveries import AlertEvent, Destination
from domain.channels import (
    Change,
    ChannelSettings,
    ChannelStatus,
    ChannelType,
    InboundMessage,
    Medium,
    PhoneNumber,
    Receipt,
)
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
from domain.erasing import Erasure, ErasureKind
from domain.media import StoredMedium, storage_key
from domain.monitoring import Alert
from domain.notices import KeptNotice
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
    has_unsent_rest: bool = False
    fence: int = 1
    attempts: int = 1
    crashes: int = 0
    price: int = TURN_PRICE
    ended_at: datetime | None = None
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class MemoryMedium:
    """A file's row: what is shown of it, and what is needed to fetch it."""

    stored: StoredMedium
    medium: Medium
    created_at: datetime
    fetch_after: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered to a request that acts once, and whom it is about."""

    user_id: UUID
    answer: bytes
    created_at: datetime


AlertNote = tuple[UUID, AlertEvent, Destination]


@dataclass(frozen=True, slots=True)
class NotedDelivery:
    """That somebody is to be told of an alert."""

    noted_at: datetime
    due_at: datetime
    attempts: int = 0


@dataclass(slots=True)
class MemoryStore:
    """All rows by their id.

    A customer is found under each of their identifiers. A prompt is the list of its versions. A conversation carries
    its customer as it was when the conversation was put here: `shown` gives the customer of today. `last_item_ids`,
    `pauses` and `human_replies` belong to conversations. Messages stand in the order in which they came.
    """

    clock: Clock = field(default_factory=FrozenClock)
    users: dict[UUID, User] = field(default_factory=dict)
    api_keys: dict[UUID, ApiKey] = field(default_factory=dict)
    phone_numbers: dict[UUID, PhoneNumber] = field(default_factory=dict)
    sealed_tokens: dict[UUID, bytes] = field(default_factory=dict)
    tokens_set_at: dict[UUID, datetime] = field(default_factory=dict)
    tokens_tried_at: dict[UUID, datetime] = field(default_factory=dict)
    prompts: dict[str, list[Prompt]] = field(default_factory=dict)
    agents: dict[UUID, Agent] = field(default_factory=dict)
    customers: dict[UUID, Customer] = field(default_factory=dict)
    customer_ids: dict[tuple[UUID, ChannelType, str], UUID] = field(default_factory=dict)
    conversations: dict[UUID, Conversation] = field(default_factory=dict)
    last_item_ids: dict[UUID, str] = field(default_factory=dict)
    messages: dict[UUID, Message] = field(default_factory=dict)
    accounts: dict[UUID, Account] = field(default_factory=dict)
    entries: dict[UUID, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    spent_on: dict[UUID, tuple[UUID, UUID]] = field(default_factory=dict)
    kept_answers: dict[bytes, KeptAnswer] = field(default_factory=dict)
    turns: dict[UUID, StoredTurn] = field(default_factory=dict)
    early_receipts: dict[tuple[ChannelType, str, str, str], tuple[Receipt, datetime]] = field(default_factory=dict)
    former_platform_message_ids: dict[UUID, set[str]] = field(default_factory=lambda: defaultdict(set))
    workers: dict[UUID, datetime] = field(default_factory=dict)
    unclaimed: dict[tuple[ChannelType, str, str], InboundMessage] = field(default_factory=dict)
    media: dict[UUID, MemoryMedium] = field(default_factory=dict)
    media_to_delete: dict[str, datetime] = field(default_factory=dict)
    erasures: dict[Erasure, datetime] = field(default_factory=dict)
    businesses: dict[UUID, str] = field(default_factory=dict)
    usernames: dict[UUID, str] = field(default_factory=dict)
    address_times: dict[UUID, datetime] = field(default_factory=dict)
    human_replies: dict[UUID, datetime] = field(default_factory=dict)
    written_times: dict[UUID, datetime] = field(default_factory=dict)
    contents: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    sent_media: dict[UUID, tuple[Medium, ...]] = field(default_factory=dict)
    changes: dict[UUID, Change] = field(default_factory=dict)
    early_changes: dict[tuple[str, str, str], Change] = field(default_factory=dict)
    consents: list[tuple[UUID, UUID, str]] = field(default_factory=list)
    notices: dict[str, KeptNotice] = field(default_factory=dict)
    extracted_through: dict[UUID, int] = field(default_factory=dict)
    extractions: dict[UUID, Any] = field(default_factory=dict)
    leads: dict[UUID, Any] = field(default_factory=dict)
    alerts: dict[UUID, Alert] = field(default_factory=dict)
    alert_deliveries: dict[AlertNote, NotedDelivery] = field(default_factory=dict)
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

    def set_token(self, phone_number_id: UUID, sealed: bytes) -> None:
        """A new token, from now on."""
        self.sealed_tokens[phone_number_id] = sealed
        self.tokens_set_at[phone_number_id] = self.clock.now()
        self.tokens_tried_at.pop(phone_number_id, None)

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

    def spoken(self, agent: Agent) -> Prompt | None:
        """The version of its prompt that an agent speaks; None for one that OpenAI keeps."""
        versions = self.prompts.get(agent.prompt_id)
        return versions[(agent.prompt_version or len(versions)) - 1] if versions else None

    def context_version(self, agent_id: UUID, phone_number_id: UUID) -> UUID | None:
        """The name of all that a turn must know of both; None when one is gone."""
        agent, number = self.agents.get(agent_id), self.phone_numbers.get(phone_number_id)
        if agent is None or number is None:
            return None
        spoken = self.spoken(agent)
        account = (number.type, number.meta_phone_number_id, number.instagram_account_id, number.settings)
        said = (*account, self.sealed_tokens.get(number.id), agent.id, agent.prompt_id, spoken and spoken.version)
        return uuid5(number.id, repr(said))

    def is_answering(self, phone_number_id: UUID) -> bool:
        """Whether the platform takes what is sent from it, as far as we know."""
        return self.phone_numbers[phone_number_id].status == ChannelStatus.ACTIVE

    def note_alert(self, alert_id: UUID, event: AlertEvent) -> None:
        """Every destination is to be told."""
        now = self.clock.now()
        self.alert_deliveries |= {(alert_id, event, one): NotedDelivery(now, now) for one in Destination}

    def is_paused(self, conversation_id: UUID) -> bool:
        """Whether the agent is silent there now."""
        conversation = self.conversations[conversation_id]
        until = conversation.paused_until
        return conversation.paused_reason is not None and (until is None or until > self.clock.now())

    def change_status(self, message_id: UUID, status: str, **changes: Any) -> Message:
        """The message with that status, and the time at which it was first reached."""
        message = self.messages[message_id]
        times = {status: self.clock.now().isoformat()} | message.status_times
        self.messages[message_id] = changed = replace(message, status=status, status_times=times, **changes)
        return changed

    def replies_of(self, turn_id: UUID) -> list[Message]:
        """The parts of a turn's reply, in order."""
        said = [one for one in self.messages.values() if one.turn_id == turn_id and one.direction == "outbound"]
        return sorted(said, key=lambda message: message.sequence_number)

    def agent_on(self, phone_number_id: UUID) -> Agent | None:
        """The agent that answers there."""
        return next((agent for agent in self.agents.values() if agent.phone_number_id == phone_number_id), None)

    def settings_of(self, phone_number_id: UUID) -> ChannelSettings:
        """How that phone number behaves."""
        return self.phone_numbers[phone_number_id].settings

    def set_settings(self, phone_number_id: UUID, settings: ChannelSettings) -> None:
        """Let that phone number behave so from now on."""
        self.phone_numbers[phone_number_id] = replace(self.phone_numbers[phone_number_id], settings=settings)

    def message_named(self, phone_number_id: UUID, platform_message_id: str) -> Message | None:
        """The message that the platform calls so on that phone number."""
        named = (phone_number_id, platform_message_id)
        for message in self.messages.values():
            if (message.phone_number_id, message.platform_message_id) == named:
                return message
        return None

    def conversation_of(self, number: PhoneNumber, customer: Customer, ids: Ids) -> Conversation:
        """The customer's active conversation there; where there is none, one that nobody has kept yet."""
        for conversation in self.active_conversations():
            if (conversation.phone_number_id, conversation.customer.id) == (number.id, customer.id):
                return conversation
        agent = self.agent_on(number.id)
        now = self.clock.now()
        return Conversation(
            id=ids.new(),
            phone_number_id=number.id,
            agent_id=agent.id if agent else None,
            customer=customer,
            status=ConversationStatus.ACTIVE,
            openai_conversation_id=None,
            message_count=0,
            last_activity_at=now,
            created_at=now,
        )

    def messages_of(self, conversation_id: UUID) -> list[Message]:
        """What was said in it, in order."""
        said = [message for message in self.messages.values() if message.conversation_id == conversation_id]
        return sorted(said, key=lambda message: message.sequence_number)

    def shown(self, conversation: Conversation) -> Conversation:
        """The conversation with its customer, and its pause, as they are now."""
        shown = replace(conversation, customer=self.customers[conversation.customer.id])
        return shown if self.is_paused(conversation.id) else replace(shown, paused_until=None, paused_reason=None)

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

    def note_erasure(self, kind: ErasureKind, openai_id: str | None) -> None:
        """The model's provider must not keep that any longer; a call under way there ends first."""
        if openai_id is not None and (kind, openai_id) not in {(one.kind, one.openai_id) for one in self.erasures}:
            self.erasures[Erasure(kind, openai_id, 0)] = self.clock.now() + timedelta(minutes=5)

    def forget_customer(self, customer_id: UUID) -> None:
        """Delete them with everything that was said; what open turns held is free again."""
        gone = {row.id for row in self.conversations.values() if row.customer.id == customer_id}
        self._forget_conversations(gone)
        del self.customers[customer_id]
        names = {key[1:] for key, owner in self.customer_ids.items() if owner == customer_id}
        for key in [key for key, owner in self.customer_ids.items() if owner == customer_id]:
            del self.customer_ids[key]
        _drop(self.unclaimed, lambda row: any((row.channel, name) in names for name in (row.address, *row.aliases)))
        self.leads.pop(customer_id, None)
        self.usernames.pop(customer_id, None)
        self.address_times.pop(customer_id, None)
        self.consents[:] = [row for row in self.consents if row[1] != customer_id]

    def _forget_conversations(self, gone: set[UUID]) -> None:
        for turn in [turn for turn in self.turns.values() if turn.conversation_id in gone]:
            if turn.status in {TurnStatus.OPEN, TurnStatus.UNDECIDED}:
                self.charge(turn, EntryKind.RELEASE)
            self.note_erasure(ErasureKind.RESPONSE, turn.response_id)
            del self.turns[turn.id]
        for id_ in gone:
            self.note_erasure(ErasureKind.CONVERSATION, self.conversations[id_].openai_conversation_id)
            del self.conversations[id_]
            self.last_item_ids.pop(id_, None)
        _drop(self.messages, lambda row: row.conversation_id in gone)
        self._forget_media()
        self._forget_extractions()
        for rows, left in (
            (self.human_replies, self.conversations),
            (self.extracted_through, self.conversations),
            (self.written_times, self.messages),
            (self.contents, self.messages),
            (self.sent_media, self.messages),
            (self.changes, self.messages),
        ):
            _drop_keys(rows, left)

    def forget_phone_number(self, phone_number_id: UUID) -> None:
        """Delete it with its conversations; the agent that answered there stays, linked to none.

        What open turns held is free again.
        """
        self._forget_conversations({c.id for c in self.conversations.values() if c.phone_number_id == phone_number_id})
        gone = self.phone_numbers.pop(phone_number_id)
        business = self.businesses.pop(phone_number_id, None)
        is_last = business not in self.businesses.values()
        _drop(self.notices, lambda row: row.channel is gone.type and row.account == account_of(gone))
        _drop(self.notices, lambda row: is_last and row.account is None and row.business == business)
        for rows in (self.early_changes, self.early_receipts, self.unclaimed):
            for key in [key for key in rows if key[:2] == (gone.type, account_of(gone))]:
                del rows[key]
        for tokens in (self.sealed_tokens, self.tokens_set_at, self.tokens_tried_at):
            tokens.pop(phone_number_id, None)
        if agent := self.agent_on(phone_number_id):
            self.agents[agent.id] = replace(agent, phone_number_id=None)
        self.consents[:] = [row for row in self.consents if row[0] != phone_number_id]

    def _forget_media(self) -> None:
        """Note the files of messages that are gone; one that may just be on its way is looked for later."""
        for medium in [one for one in self.media.values() if one.stored.message_id not in self.messages]:
            del self.media[medium.stored.id]
            key = medium.stored.storage_key
            if key or medium.attempts:
                due_at = self.clock.now() + timedelta(minutes=0 if key else 5)
                self.media_to_delete[key or storage_key(medium.stored.user_id, medium.stored.id)] = due_at

    def _forget_extractions(self) -> None:
        """Forget runs of conversations that are gone; what open ones held is free again."""
        for run in [run for run in self.extractions.values() if run.shown.conversation_id not in self.conversations]:
            if run.shown.ended_at is None and run.price:
                self.move_credits(run.shown.user_id, EntryKind.RELEASE, run.price, None, None, run.shown.id)
            del self.extractions[run.shown.id]

    def forget_user(self, user_id: UUID) -> None:
        """Delete the user and everything of theirs."""
        del self.users[user_id]
        for phone_number in [row for row in self.phone_numbers.values() if row.user_id == user_id]:
            self.forget_phone_number(phone_number.id)
        _drop(self.api_keys, lambda row: row.user_id == user_id)
        _drop(self.prompts, lambda versions: versions[0].user_id == user_id)
        _drop(self.agents, lambda row: row.user_id == user_id)
        for key in [key for key in self.customer_ids if key[0] == user_id]:
            self.customers.pop(self.customer_ids.pop(key), None)
        _drop_keys(self.leads, self.customers)
        _drop_keys(self.usernames, self.customers)
        _drop_keys(self.address_times, self.customers)
        self.accounts.pop(user_id, None)
        for entry in self.entries.pop(user_id, ()):
            self.spent_on.pop(entry.turn_id or entry.extraction_id, None)
        _drop(self.kept_answers, lambda row: row.user_id == user_id)

    def move_credits(
        self,
        user_id: UUID,
        kind: EntryKind,
        amount: int,
        turn_id: UUID | None,
        note: str | None,
        extraction_id: UUID | None = None,
    ) -> Entry:
        """Write one line of a ledger and the account after it. Raises as `Account.after` does."""
        self.accounts[user_id] = self.accounts[user_id].after(kind, amount)
        entry_id = 1 + sum(len(lines) for lines in self.entries.values())
        if kind is EntryKind.CAPTURE and (turn := self.turns.get(turn_id)):
            self.spent_on[turn_id] = turn.agent_id, turn.phone_number_id
        if kind is EntryKind.CAPTURE and (run := self.extractions.get(extraction_id)):
            read = self.conversations[run.shown.conversation_id]
            self.spent_on[extraction_id] = run.shown.agent_id, read.phone_number_id
        moved = changes(kind, amount)
        entry = Entry(entry_id, kind, amount, *moved, turn_id, note, self.clock.now(), extraction_id)
        self.entries[user_id].append(entry)
        return entry

    def charge(self, turn: StoredTurn, kind: EntryKind) -> None:
        """Move the price of a turn; one that a person answers has none."""
        if turn.price:
            self.move_credits(turn.user_id, kind, turn.price, turn.id, None)

    def unblock(self, user_id: UUID) -> bool:
        """Put the user's messages that wait for credit back to waiting for an answer; whether there were any."""
        blocked = [one for one in self.messages.values() if one.status == InboundStatus.BLOCKED]
        own = [message for message in blocked if self.owner_of(message) == user_id]
        for message in own:
            self.messages[message.id] = replace(message, status=InboundStatus.RECEIVED, reason=None)
        return bool(own)


def _drop(rows: dict[Any, Any], unwanted: Callable[[Any], bool]) -> None:
    for id_ in [id_ for id_, row in rows.items() if unwanted(row)]:
        del rows[id_]


def _drop_keys(rows: dict[Any, Any], left: dict[Any, Any]) -> None:
    for id_ in rows.keys() - left.keys():
        del rows[id_]


def account_of(number: PhoneNumber) -> str:
    """What the platform calls it; a web chat is known by its own id."""
    return number.meta_phone_number_id or number.instagram_account_id or str(number.id)
