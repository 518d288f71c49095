"""One world for each store, both of one form: the ports under test, and a way to put there what other ports write.

A conversation comes from a customer's message and a hold from a turn; suites of this side only need them to be
there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from adapters.persistence.ageing_tokens import PostgresAgeingTokens
from adapters.persistence.agents import PostgresAgents
from adapters.persistence.answers import PostgresAnswers
from adapters.persistence.conversations import PostgresConversations
from adapters.persistence.credits import PostgresCredits
from adapters.persistence.customer_records import PostgresCustomerRecords
from adapters.persistence.database import Database
from adapters.persistence.erasures import PostgresErasures
from adapters.persistence.media import PostgresMedia
from adapters.persistence.phone_numbers import PostgresPhoneNumbers
from adapters.persistence.prompts import PostgresPrompts
from adapters.persistence.users import PostgresUsers
from application.ports.answers import Answers
from application.ports.conversations import Conversations
from application.ports.credits import Credits
from application.ports.customer_records import CustomerRecords
from application.ports.erasures import Erasures
from application.ports.media import Media
from application.ports.registry import Agents, PhoneNumbers, Prompts, Users
from application.ports.token_refresh import AgeingTokens
from domain.agents import Agent
from domain.channels import Medium, PhoneNumber
from domain.conversations import Conversation, Message
from domain.credits import EntryKind, changes
from domain.media import MediumStatus, StoredMedium
from domain.users import User
from tests.builders import a_conversation, a_phone_number, a_user, an_agent, an_api_key, an_id
from tests.fakes.answers import MemoryAnswers
from tests.fakes.clock import FrozenClock
from tests.fakes.conversations import MemoryConversations
from tests.fakes.credits import MemoryCredits
from tests.fakes.customer_records import MemoryCustomerRecords
from tests.fakes.erasures import MemoryErasures
from tests.fakes.media import MemoryMedia
from tests.fakes.memory_store import MemoryMedium, MemoryStore
from tests.fakes.registry import MemoryAgents, MemoryPhoneNumbers, MemoryPrompts, MemoryUsers
from tests.fakes.token_refresh import MemoryAgeingTokens
from tests.fakes.vault import PlainVault


class Backstage(Protocol):
    """What happens outside the ports under test."""

    async def keep(self, conversation: Conversation, *messages: Message) -> None:
        """A customer has written: the conversation is there, with these messages."""

    async def bring(self, message: Message, medium: Medium, place: int = 0, age_seconds: float = 60) -> UUID:
        """A file came with a message, so long ago; its id."""

    async def time_passes(self, seconds: float) -> None:
        """Whatever is due within so many seconds is due."""

    async def move_credits(self, user_id: UUID, kind: EntryKind, amount: int, turn_id: UUID) -> None:
        """A turn has moved credits."""

    async def a_minute_passes(self) -> None:
        """Whatever was noted as used was used a minute earlier."""

    async def sealed_token(self, phone_number_id: UUID) -> bytes | None:
        """The token as it lies in the store."""

    async def token_is(self, phone_number_id: UUID, *, old: timedelta, left: timedelta | None) -> None:
        """We have had the token that long, and it ends after `left`, as far as anybody knows."""

    async def tries_were(self, ago: timedelta) -> None:
        """Whatever was tried was tried that much earlier."""

    async def answers_age(self, days: float) -> None:
        """Whatever was answered was answered that much earlier."""

    async def rows_left(self) -> int:
        """How many rows of anyone there are, of any kind."""


class MemoryBackstage:
    """Behind the fakes: the store itself."""

    def __init__(self, store: MemoryStore, clock: FrozenClock) -> None:
        self._store = store
        self._clock = clock

    async def keep(self, conversation: Conversation, *messages: Message) -> None:
        owner = self._store.phone_numbers[conversation.phone_number_id]
        customer = conversation.customer
        self._store.customers[customer.id] = customer
        self._store.customer_ids[owner.user_id, owner.type, customer.address] = customer.id
        self._store.conversations[conversation.id] = conversation
        self._store.messages.update({message.id: message for message in messages})

    async def bring(self, message: Message, medium: Medium, place: int = 0, age_seconds: float = 60) -> UUID:
        owner = self._store.phone_numbers[message.phone_number_id].user_id
        status = MediumStatus.PENDING
        named = (medium.kind, medium.mime_type, medium.filename)
        stored = StoredMedium(an_id(), owner, message.id, place, *named, status, None, None, None)
        created_at = self._clock.now() - timedelta(seconds=age_seconds)
        self._store.media[stored.id] = MemoryMedium(stored, medium, created_at, created_at)
        return stored.id

    async def time_passes(self, seconds: float) -> None:
        self._clock.advance(seconds)

    async def move_credits(self, user_id: UUID, kind: EntryKind, amount: int, turn_id: UUID) -> None:
        self._store.move_credits(user_id, kind, amount, turn_id, None)

    async def a_minute_passes(self) -> None:
        self._clock.advance(60)

    async def sealed_token(self, phone_number_id: UUID) -> bytes | None:
        return self._store.sealed_tokens.get(phone_number_id)

    async def token_is(self, phone_number_id: UUID, *, old: timedelta, left: timedelta | None) -> None:
        now = self._clock.now()
        self._store.tokens_set_at[phone_number_id] = now - old
        number = self._store.phone_numbers[phone_number_id]
        self._store.phone_numbers[phone_number_id] = replace(number, token_expires_at=left and now + left)

    async def tries_were(self, ago: timedelta) -> None:
        for id_, tried_at in self._store.tokens_tried_at.items():
            self._store.tokens_tried_at[id_] = tried_at - ago

    async def answers_age(self, days: float) -> None:
        for name, kept in self._store.kept_answers.items():
            self._store.kept_answers[name] = replace(kept, created_at=kept.created_at - timedelta(days=days))

    async def rows_left(self) -> int:
        return self._store.rows()


KEEP_CUSTOMER = """
insert into customers (id, user_id, type, address, name)
select %s, user_id, type, %s, %s from phone_numbers where id = %s on conflict do nothing
"""
KEEP_CONVERSATION = """
insert into conversations (id, user_id, phone_number_id, agent_id, customer_id, status, openai_conversation_id,
    last_sequence_number, last_activity_at, created_at)
select %s, user_id, id, %s, %s, %s, %s, %s, %s, %s from phone_numbers where id = %s
"""
KEEP_TURN = """
insert into turns (id, user_id, conversation_id, phone_number_id, agent_id, price)
select %(turn)s, user_id, id, phone_number_id, %(turn)s, 1 from conversations where id = %(conversation)s
on conflict do nothing
"""
KEEP_MESSAGE = """
insert into messages (id, user_id, conversation_id, phone_number_id, sequence_number, direction, author, type, text,
    status, reason, platform_message_id, turn_id, error, created_at, content)
select %s, user_id, %s, id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s from phone_numbers where id = %s
"""
MOVE_CREDITS = """
with account as (
    update credit_accounts set balance = balance + %(balance)s, held = held + %(held)s where user_id = %(user)s
)
insert into credit_entries (user_id, kind, amount, balance_change, held_change, turn_id)
values (%(user)s, %(kind)s, %(amount)s, %(balance)s, %(held)s, %(turn)s)
"""
BRING = """
insert into media (id, user_id, message_id, place, kind, platform_id, url, mime_type, sha256, filename, created_at)
select %s, user_id, id, %s, %s, %s, %s, %s, %s, %s, now() - %s * interval '1 second' from messages where id = %s
"""
TOKEN_IS = """
update phone_numbers set token_set_at = now() - %(old)s::interval, token_expires_at = now() + %(left)s::interval
where id = %(id)s
"""
TABLES = """
select table_name from information_schema.tables
where table_schema = current_schema() and table_type = 'BASE TABLE' and table_name <> 'schema_migrations'
"""


class PostgresBackstage:
    """Behind the adapters: the rows, written by hand."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def keep(self, conversation: Conversation, *messages: Message) -> None:
        c, owner = conversation, conversation.phone_number_id
        await self._execute(KEEP_CUSTOMER, c.customer.id, c.customer.address, c.customer.name, owner)
        states = (c.status, c.openai_conversation_id, c.message_count, c.last_activity_at, c.created_at)
        await self._execute(KEEP_CONVERSATION, c.id, c.agent_id, c.customer.id, *states, owner)
        for m in messages:
            if m.turn_id:
                await self._execute(KEEP_TURN, turn=m.turn_id, conversation=c.id)
            said = (m.sequence_number, m.direction, m.author, m.type, m.text, m.status, m.reason)
            error = m.error and Jsonb(m.error)
            named = (m.platform_message_id, m.turn_id, error, m.created_at, m.content and Jsonb(m.content))
            await self._execute(KEEP_MESSAGE, m.id, c.id, *said, *named, owner)

    async def bring(self, message: Message, medium: Medium, place: int = 0, age_seconds: float = 60) -> UUID:
        id_, m = an_id(), medium
        named = (m.kind, m.platform_id, m.url, m.mime_type, m.sha256, m.filename)
        await self._execute(BRING, id_, place, *named, age_seconds, message.id)
        return id_

    async def time_passes(self, seconds: float) -> None:
        await self._execute("update media set fetch_after = fetch_after - %s * interval '1 second'", seconds)
        await self._execute("update erasures set due_at = due_at - %s * interval '1 second'", seconds)
        await self._execute("update media_to_delete set due_at = due_at - %s * interval '1 second'", seconds)

    async def move_credits(self, user_id: UUID, kind: EntryKind, amount: int, turn_id: UUID) -> None:
        balance, held = changes(kind, amount)
        await self._execute(
            MOVE_CREDITS, user=user_id, kind=kind, amount=amount, balance=balance, held=held, turn=turn_id
        )

    async def a_minute_passes(self) -> None:
        await self._execute("update api_keys set last_used_at = last_used_at - interval '1 minute'")

    async def sealed_token(self, phone_number_id: UUID) -> bytes | None:
        rows = await self._execute("select access_token from phone_numbers where id = %s", phone_number_id)
        return rows[0][0] if rows else None

    async def token_is(self, phone_number_id: UUID, *, old: timedelta, left: timedelta | None) -> None:
        await self._execute(TOKEN_IS, old=old, left=left, id=phone_number_id)

    async def tries_were(self, ago: timedelta) -> None:
        await self._execute("update phone_numbers set token_tried_at = token_tried_at - %s", ago)

    async def answers_age(self, days: float) -> None:
        await self._execute("update kept_answers set created_at = created_at - %s * interval '1 day'", days)

    async def rows_left(self) -> int:
        tables = [name for (name,) in await self._execute(TABLES)]
        return sum([len(await self._execute(f"select 1 from {name}")) for name in tables])  # noqa: S608

    async def _execute(self, statement: str, *values: object, **named: object) -> list[tuple[Any, ...]]:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            cursor = await connection.execute(statement, named or values)
            return await cursor.fetchall() if cursor.description else []


@dataclass(frozen=True, slots=True)
class World:
    """The ports under test, over one store, and what happens behind them."""

    users: Users
    phone_numbers: PhoneNumbers
    prompts: Prompts
    agents: Agents
    conversations: Conversations
    credits: Credits
    media: Media
    ageing_tokens: AgeingTokens
    customer_records: CustomerRecords
    erasures: Erasures
    answers: Answers
    backstage: Backstage

    async def has_user(self, **fields: Any) -> User:
        user = a_user(**fields)
        return await self.users.add(user, an_api_key(user.id))

    async def has_phone_number(self, user: User, **fields: Any) -> PhoneNumber:
        return await self.phone_numbers.add(a_phone_number(user.id, **fields), None)

    async def has_agent(self, user: User, phone_number: PhoneNumber | None = None, **fields: Any) -> Agent:
        phone_number_id = phone_number.id if phone_number else None
        return await self.agents.add(an_agent(user.id, phone_number_id=phone_number_id, **fields))

    async def has_conversation(self, phone_number: PhoneNumber, **fields: Any) -> Conversation:
        conversation = a_conversation(phone_number.id, **fields)
        await self.backstage.keep(conversation)
        return conversation


def memory_world() -> World:
    clock = FrozenClock()
    store = MemoryStore(clock)
    return World(
        MemoryUsers(store),
        MemoryPhoneNumbers(store),
        MemoryPrompts(store),
        MemoryAgents(store),
        MemoryConversations(store),
        MemoryCredits(store),
        MemoryMedia(store, PlainVault()),
        MemoryAgeingTokens(store),
        MemoryCustomerRecords(store),
        MemoryErasures(store),
        MemoryAnswers(store),
        MemoryBackstage(store, clock),
    )


@asynccontextmanager
async def postgres_world(url: str, url_judge: str) -> AsyncIterator[World]:
    async with Database(url).opened() as database:
        yield World(
            PostgresUsers(database),
            PostgresPhoneNumbers(database),
            PostgresPrompts(database),
            PostgresAgents(database),
            PostgresConversations(database),
            PostgresCredits(database),
            PostgresMedia(database, PlainVault()),
            PostgresAgeingTokens(database),
            PostgresCustomerRecords(database),
            PostgresErasures(database),
            PostgresAnswers(database),
            PostgresBackstage(url_judge),
        )
