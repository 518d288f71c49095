"""What was answered to requests that act once: kept in the transaction of their effect, deleted when it is old."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from psycopg import AsyncClientCursor, AsyncConnection
from psycopg.rows import TupleRow

from adapters.persistence.database import Database
from adapters.persistence.refusals import refusals_named
from adapters.persistence.rows import fetched
from application.ports.answers import Once, StillRunning

Result = TypeVar("Result")

EARLIER = "select free, answer from earlier_answer(%s)"
KEEP_AND_COMMIT = "insert into kept_answers (name, user_id, answer) values (%s, %s, %s); commit"
FORGET = """
delete from kept_answers where name in (
    select name from kept_answers where created_at < now() - %s * interval '1 day'
    order by created_at limit %s for update skip locked
) returning name
"""


async def done_once(
    connection: AsyncConnection[TupleRow],
    user_id: UUID,
    once: Once[Result] | None,
    effect: Callable[[], Awaitable[Result]],
) -> Result:
    """The result of `effect`, which is about that user, and is kept as answered when the transaction ends.

    Raises as the port Answers says. The connection must be in the transaction of the effect, and is done with it
    afterwards: nothing may follow.
    """
    if once is None:
        return await effect()
    ((is_free, earlier),) = await fetched(connection, EARLIER, (once.name,))
    if not is_free:
        raise StillRunning
    if earlier is not None:
        once.replay(earlier)
    result = await effect()
    # In one message: whoever waits for what is locked here waits for one answer less, which counts on a busy account.
    with refusals_named():
        async with AsyncClientCursor(connection) as cursor:
            await cursor.execute(KEEP_AND_COMMIT, (once.name, user_id, once.seal(result)))
    return result


class PostgresAnswers:
    """Deletes what is kept; `done_once` keeps it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget(self, days: float, limit: int) -> int:
        """Delete old answers; see the port."""
        return len(await self._database.house.fetch(FORGET, (days, limit)))
