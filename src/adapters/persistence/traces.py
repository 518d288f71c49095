"""The facts of one message's way, from the rows it left behind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from adapters.persistence.conversations import MESSAGES, message_of
from adapters.persistence.database import Database
from adapters.persistence.rows import fetched, found
from domain.conversations import Message, TurnStatus
from domain.credits import EntryKind
from domain.traces import Facts, Obstacle, ReplyFacts, Stage, TurnFacts

MESSAGE = MESSAGES + "where item.id = %s and item.user_id = %s"
REPLIES = MESSAGES + "where item.turn_id = %s and item.direction = 'outbound' order by item.sequence_number"
REACHED = "select id, status, status_at, status_times from messages where id = any (%s)"
# Of an alert that was open when the message came: its queue was full then.
AROUND = """
select m.written_at, m.status_at, case
    when c.status = 'archived' then 'conversation_archived'
    when c.agent_id is null then 'no_agent'
    when n.status = 'unauthorized' then 'phone_number_unauthorized'
    when n.status = 'parked' then 'phone_number_parked'
    when c.paused_until > clock_timestamp() then 'conversation_paused'
    when is_in_doubt(c.in_doubt_id, %s) then 'reply_in_doubt'
    else 'in_queue'
end, (
    select a.opened_at from alerts a
    where a.kind = 'queue_overflow' and a.subject = n.id::text and m.direction = 'inbound'
        and m.created_at between a.opened_at and coalesce(a.resolved_at, 'infinity')
    order by a.opened_at limit 1
)
from messages m join conversations c on c.id = m.conversation_id join phone_numbers n on n.id = m.phone_number_id
where m.id = %s
"""
TURN = "select id, status, reason, begun_at, ended_at, attempts from turns where id = %s"
ENTRIES = "select kind, created_at from credit_entries where turn_id = %s order by id"


class PostgresTraces:
    """Read for one message at a time, by people who look into one."""

    def __init__(self, database: Database, undecided_seconds: float) -> None:
        self._database = database
        self._undecided_seconds = undecided_seconds

    async def facts(self, user_id: UUID, message_id: UUID) -> Facts:
        """All that is known of it; see the port."""
        async with self._database.of(user_id).transaction() as connection:
            message = message_of(found(await fetched(connection, MESSAGE, (message_id, user_id)), "message"))
            ((written_at, status_at, obstacle, overflowed_at),) = await fetched(
                connection, AROUND, (self._undecided_seconds, message_id)
            )
            return Facts(
                message=message,
                written_at=written_at,
                status_at=status_at,
                turn=await _turn(connection, message.turn_id),
                replies=await _replies(connection, message),
                obstacle=Obstacle(obstacle),
                overflowed_at=overflowed_at,
            )


async def _turn(connection: AsyncConnection[TupleRow], turn_id: UUID | None) -> TurnFacts | None:
    rows = await fetched(connection, TURN, (turn_id,))
    if not rows:
        return None
    id_, status, reason, begun_at, ended_at, attempts = rows[0]
    entries = [(EntryKind(kind), at) for kind, at in await fetched(connection, ENTRIES, (turn_id,))]
    return TurnFacts(id_, TurnStatus(status), reason, begun_at, ended_at, attempts, entries)


async def _replies(connection: AsyncConnection[TupleRow], message: Message) -> list[ReplyFacts]:
    if message.turn_id is not None:
        replies = [message_of(row) for row in await fetched(connection, REPLIES, (message.turn_id,))]
    else:
        replies = [message] if message.direction == "outbound" else []
    noted = await fetched(connection, REACHED, ([reply.id for reply in replies],))
    reached = {id_: _reached(*row) for id_, *row in noted}
    return [ReplyFacts(reply, reached[reply.id]) for reply in replies]


def _reached(status: str, status_at: datetime, status_times: Mapping[str, str]) -> Mapping[Stage, datetime]:
    """When each status was reached; the last one is known in any case."""
    times = {Stage(name): datetime.fromisoformat(at) for name, at in status_times.items()}
    return {Stage(status): status_at} | times
