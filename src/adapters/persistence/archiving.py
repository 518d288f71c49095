"""What the end of a conversation does to the messages that still wait in it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

LOCK_ACCOUNT = "select user_id from credit_accounts where user_id = %s for no key update"
GIVE_UP = """
update messages set status = 'unanswerable', reason = 'conversation_archived', status_at = now()
where conversation_id = any (%s) and direction = 'inbound' and turn_id is null and status in ('received', 'blocked')
"""


async def give_up_waiting(
    connection: AsyncConnection[TupleRow], user_id: UUID, conversation_ids: Sequence[UUID]
) -> None:
    """No turn begins in an archived conversation, so what waits there would wait for ever.

    The caller has locked the conversations before this statement; a top-up that wakes blocked messages meets us at
    the account.
    """
    await connection.execute(LOCK_ACCOUNT, (user_id,))
    await connection.execute(GIVE_UP, (list(conversation_ids),))
