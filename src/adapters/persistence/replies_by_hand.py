"""What a person replies through us: reply_by_hand of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from adapters.persistence.answers import done_once
from adapters.persistence.conversations import MESSAGES, message_of
from adapters.persistence.database import Database
from adapters.persistence.rows import fetched, found
from application.ports.answers import Once
from application.ports.clock import Ids
from application.ports.replies_by_hand import Addressee
from domain.channels import ChannelType
from domain.conversations import Message
from domain.delivery import AgentGone, ConversationOver, TurnUnderWay, WindowClosed
from domain.shared import DomainError, NotFound, storable
from domain.windows import Heard

WRITE = "select reply_by_hand(%s, %s, %s, %s, %s)"
GET = MESSAGES + "where item.id = %s and item.user_id = %s"
# The newest thing the customer sent, dated as begin_turns does it.
ADDRESSEE = """
select n.type, m.sequence_number, extract(epoch from case
        when m.written_at > m.created_at - interval '8 days' then least(m.written_at, m.created_at)
        else m.created_at
    end), coalesce(m.content #>> '{referral,source_type}' = 'ad', false)
from conversations c join phone_numbers n on n.id = c.phone_number_id
left join lateral (
    select * from messages where conversation_id = c.id and direction = 'inbound' order by sequence_number desc limit 1
) m on true
where c.id = %s and c.user_id = %s
"""
REFUSALS: Mapping[str, Callable[[], DomainError]] = {
    "unknown": partial(NotFound, "conversation"),
    "archived": partial(ConversationOver, "The conversation is archived; the customer's next message opens another."),
    "no_agent": partial(AgentGone, "The conversation has no agent; link one to its phone number first."),
    "not_heard": partial(WindowClosed, "The customer has not written in this conversation yet."),
    "turn_under_way": partial(TurnUnderWay, "The conversation is being answered now; try again when that is done."),
}


class PostgresRepliesByHand:
    """Each reply is one transaction: under the lock of its conversation, or not at all."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids

    async def addressee(self, user_id: UUID, conversation_id: UUID) -> Addressee:
        """Who would get a reply; see the port."""
        rows = await self._database.of(user_id).fetch(ADDRESSEE, (conversation_id, user_id))
        channel, number, at, is_from_ad = found(rows, "conversation")
        heard = None if number is None else Heard(number, datetime.fromtimestamp(float(at), UTC), is_from_ad)
        return Addressee(ChannelType(channel), heard)

    async def write(self, user_id: UUID, conversation_id: UUID, text: str, once: Once[Message] | None) -> Message:
        """Write the reply down; see the port."""

        async def effect() -> Message:
            message_id = self._ids.new()
            row = (user_id, conversation_id, self._ids.new(), message_id, storable(text))
            ((outcome,),) = await fetched(connection, WRITE, row)
            if refusal := REFUSALS.get(outcome):
                raise refusal()
            return message_of(found(await fetched(connection, GET, (message_id, user_id)), "message"))

        async with self._database.of(user_id).transaction() as connection:
            return await done_once(connection, user_id, once, effect)
