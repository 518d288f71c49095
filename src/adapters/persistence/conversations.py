"""Conversations and messages in Postgres, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString, TypeAlias
from uuid import UUID

from psycopg.rows import TupleRow

from adapters.persistence.archiving import give_up_waiting
from adapters.persistence.database import Database, Scope
from adapters.persistence.media import media_of
from adapters.persistence.pages import BY_CREATION, Order, Parts, fetch_page
from adapters.persistence.rows import fetched, found
from application.pages import Page, PageRequest
from application.ports.conversations import ConversationFilter, MessageFilter
from domain.conversations import (
    Conversation,
    ConversationStatus,
    Customer,
    InboundStatus,
    Message,
    OutboundStatus,
    PauseReason,
)
from domain.media import StoredMedium
from domain.shared import storable

LIST = """
select item.id, item.phone_number_id, item.agent_id, item.status, item.openai_conversation_id,
    item.last_sequence_number, item.last_activity_at, item.created_at,
    case when item.paused_until > clock_timestamp() then nullif(item.paused_until, 'infinity') end,
    case when item.paused_until > clock_timestamp() then item.paused_reason end,
    customer.id as customer_id, customer.address, customer.name
from conversations item join customers customer on customer.id = item.customer_id
"""
GET = LIST + "where item.id = %s and item.user_id = %s"
PAUSE = """
update conversations set paused_until = coalesce(clock_timestamp() + %s * interval '1 minute', 'infinity'),
    paused_reason = %s
where id = %s and user_id = %s returning id
"""
RESUME = (
    "update conversations set paused_until = null, paused_reason = null where id = %s and user_id = %s returning id"
)
ARCHIVE = "update conversations set status = 'archived' where id = %s and user_id = %s returning id"

PENDING = """
select count(*) from messages where status = 'received' and turn_id is null and phone_number_id = %s
"""

# What spoke is looked up for the messages of a page, and not joined to all from which the page is cut.
MESSAGES = """
select item.id, item.conversation_id, item.phone_number_id, item.sequence_number, item.direction, item.author,
    item.type, item.text, item.status, item.reason, item.platform_message_id, item.turn_id, item.error,
    item.created_at, item.pricing, item.status_times, item.content,
    case when item.direction = 'outbound' then (
        select jsonb_build_array(t.prompt_id, t.prompt_version, t.model) from turns t where t.id = item.turn_id
    ) end,
    exists (select from media where message_id = item.id)
from messages item
"""
# A direction that hardly any message of a user has is found as quickly as the other, without an index of its own that
# would be written with every message: it is a few statuses, and the messages of each stand in order in an index. Where
# less is asked for (a phone number, a customer, a conversation), that one's index is the way; it has both directions.
DIRECTIONS = {
    "inbound": Parts("item.status = part.word", list(InboundStatus)),
    "outbound": Parts("item.status = part.word", list(OutboundStatus)),
}
SINCE = (
    MESSAGES
    + "where item.conversation_id = %s and item.user_id = %s and item.sequence_number > %s "
    + "order by item.sequence_number limit %s"
)
# A name is looked up before the list is read: with the ids at hand Postgres can tell whether they are few, and
# goes to them; behind a join it would walk through everything that was ever said, in order, to find them.
CUSTOMERS = """
select id from customers
where user_id = %(user_id)s and (
    id = %(id)s or type in ('whatsapp', 'instagram', 'webchat') and address = %(address)s
)
"""
# One index has the order in which conversations began, and only for each day by itself: what was active since a moment
# is merged of the days since, and only on the first of them some of what is looked at lies before it.
DAYS = """
select day::date::text
from (select min(active_on) as first, max(active_on) as last from conversations where user_id = %s) known,
    generate_series(greatest(known.first, (%s at time zone 'UTC')::date)::timestamp, known.last, '1 day') day
"""
CONVERSATIONS_OF = "select id from conversations where customer_id = any (%s) and user_id = %s"

Ids: TypeAlias = list[UUID]  # in the class below, `list` is a method


class PostgresConversations:
    """Conversations and messages; nothing is written here but a conversation's pauses and its end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        """That conversation; see the port."""
        return _conversation(
            found(await self._database.of(user_id).fetch(GET, (conversation_id, user_id)), "conversation")
        )

    async def list(self, user_id: UUID, wanted: ConversationFilter, page: PageRequest) -> Page[Conversation]:
        """A user's conversations; see the port."""
        conditions = {
            "item.user_id = %s": user_id,
            "item.status = %s": wanted.status,
            "item.phone_number_id = %s": wanted.phone_number_id,
            "item.agent_id = %s": wanted.agent_id,
            "item.customer_id = any (%s)": await self._customers(user_id, wanted.customer),
            "item.last_activity_at >= %s": wanted.active_since,
        }
        parts = await self._days(user_id, wanted.active_since)
        return await fetch_page(self._database.of(user_id), LIST, conditions, page, _conversation, parts=parts)

    async def archive(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        """End the conversation; see the port."""
        async with self._database.of(user_id).transaction() as connection:
            found(await fetched(connection, ARCHIVE, (conversation_id, user_id)), "conversation")
            await give_up_waiting(connection, user_id, [conversation_id])
        return await self.get(user_id, conversation_id)

    async def pending(self, phone_number_id: UUID) -> int:
        """How many messages wait; see the port."""
        ((count,),) = await self._database.house.fetch(PENDING, (phone_number_id,))
        return int(count)

    async def pause(
        self, user_id: UUID, conversation_id: UUID, minutes: float | None, reason: PauseReason
    ) -> Conversation:
        """Silence the agent; see the port."""
        found(
            await self._database.of(user_id).fetch(PAUSE, (minutes, reason, conversation_id, user_id)), "conversation"
        )
        return await self.get(user_id, conversation_id)

    async def resume(self, user_id: UUID, conversation_id: UUID) -> Conversation:
        """Let the agent speak again; see the port."""
        found(await self._database.of(user_id).fetch(RESUME, (conversation_id, user_id)), "conversation")
        return await self.get(user_id, conversation_id)

    async def since(self, user_id: UUID, conversation_id: UUID, after: int, limit: int) -> Sequence[Message]:
        """Messages of a conversation behind a sequence number; see the port."""
        scope = self._database.of(user_id)
        rows = await scope.fetch(SINCE, (conversation_id, user_id, after, limit))
        return await _with_media(scope, [_Listed.of(row) for row in rows])

    async def messages(self, user_id: UUID, wanted: MessageFilter, page: PageRequest) -> Page[Message]:
        """A user's messages; see the port."""
        conditions = {
            "item.user_id = %s": user_id,
            "item.conversation_id = %s": wanted.conversation_id,
            "item.phone_number_id = %s": wanted.phone_number_id,
            "item.direction = %s": wanted.direction,
            "item.status = %s": wanted.status,
            "item.created_at >= %s": wanted.since,
            "item.created_at < %s": wanted.until,
            "item.conversation_id = any (%s)": await self._conversations_of(user_id, wanted.customer),
        }
        is_of_some = wanted.phone_number_id or wanted.conversation_id or wanted.customer
        parts = DIRECTIONS[wanted.direction] if wanted.direction and not is_of_some else None
        return await page_of_messages(self._database.of(user_id), conditions, page, parts=parts)

    async def _days(self, user_id: UUID, since: datetime | None) -> Parts | None:
        if since is None:
            return None
        days = [day for (day,) in await self._database.of(user_id).fetch(DAYS, (user_id, since))]
        return Parts("item.active_on = part.word::date", days)

    async def _customers(self, user_id: UUID, name: str | None) -> Ids | None:
        if name is None:
            return None
        parameters = {"user_id": user_id, "id": _uuid_in(name), "address": storable(name)}
        return [customer_id for (customer_id,) in await self._database.of(user_id).fetch(CUSTOMERS, parameters)]

    async def _conversations_of(self, user_id: UUID, customer: str | None) -> Ids | None:
        customer_ids = await self._customers(user_id, customer)
        if customer_ids is None:
            return None
        return [row[0] for row in await self._database.of(user_id).fetch(CONVERSATIONS_OF, (customer_ids, user_id))]


async def page_of_messages(
    scope: Scope,
    conditions: Mapping[LiteralString, Any],
    page: PageRequest,
    order: Order = BY_CREATION,
    parts: Parts | None = None,
) -> Page[Message]:
    """The page of messages that meet the conditions, with their files. Raises as `fetch_page` does."""
    listed = await fetch_page(scope, MESSAGES, conditions, page, _Listed.of, order, parts)
    return Page(await _with_media(scope, listed.items), listed.next_cursor)


async def _with_media(scope: Scope, listed: Sequence[_Listed]) -> Sequence[Message]:
    """The messages with their files, read together; a page without any costs nothing."""
    media: dict[UUID, tuple[StoredMedium, ...]] = {one.id: () for one in listed if one.has_files}
    for medium in await media_of(scope, list(media)) if media else ():
        media[medium.message_id] += (medium,)
    return [replace(one.message, media=media[one.id]) if one.has_files else one.message for one in listed]


def _uuid_in(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _conversation(row: TupleRow) -> Conversation:
    id_, phone_number_id, agent_id, status, model_conversation_id, message_count, active_at, created_at, *rest = row
    paused_until, paused_reason, *customer = rest
    return Conversation(
        id=id_,
        phone_number_id=phone_number_id,
        agent_id=agent_id,
        customer=Customer(*customer),
        status=ConversationStatus(status),
        openai_conversation_id=model_conversation_id,
        message_count=message_count,
        last_activity_at=active_at,
        created_at=created_at,
        paused_until=paused_until,
        paused_reason=paused_reason,
    )


def message_of(row: TupleRow) -> Message:
    """A row of MESSAGES, without its files."""
    return _Listed.of(row).message


@dataclass(frozen=True, slots=True)
class _Listed:
    """A row of MESSAGES: the message, and whether files belong to it."""

    message: Message
    has_files: bool

    @classmethod
    def of(cls, row: TupleRow) -> _Listed:
        *fields, spoken, has_files = row
        return cls(Message(*fields, *(spoken or ())), has_files)

    @property
    def id(self) -> UUID:
        return self.message.id

    @property
    def created_at(self) -> datetime:
        return self.message.created_at
