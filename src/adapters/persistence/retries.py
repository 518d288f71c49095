"""Failed messages taken up again: retry_message of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from adapters.persistence.answers import done_once
from adapters.persistence.conversations import MESSAGES, message_of
from adapters.persistence.database import Database
from adapters.persistence.rows import fetched, found
from application.ports.answers import Once
from application.ports.clock import Ids
from domain.conversations import Message
from domain.credits import Account, InsufficientCredits
from domain.delivery import AgentGone, NotFailed, TurnUnderWay
from domain.shared import DomainError, NotFound

RETRY = "select retry_message(%s, %s, %s)"
GET = MESSAGES + "where item.id = %s and item.user_id = %s"
ACCOUNT = "select balance, held from credit_accounts where user_id = %s"
REFUSALS: Mapping[str, Callable[[], DomainError]] = {
    "unknown": partial(NotFound, "message"),
    "not_failed": partial(NotFailed, "Only a message of ours that failed can be sent again."),
    "agent_gone": partial(AgentGone, "The agent that wrote this message was removed."),
    "turn_under_way": partial(TurnUnderWay, "The conversation is being answered now; try again when that is done."),
}


class PostgresRetries:
    """Each retry is one transaction: under the locks of the conversation and of the credits, or not at all."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids

    async def retry(self, user_id: UUID, message_id: UUID, once: Once[Message] | None) -> Message:
        """Put a failed message back to pending; see the port."""

        async def effect() -> Message:
            ((outcome,),) = await fetched(connection, RETRY, (user_id, message_id, self._ids.new()))
            if refusal := REFUSALS.get(outcome):
                raise refusal()
            if outcome == "insufficient_credits":  # and the account is locked still
                raise InsufficientCredits(Account(*found(await fetched(connection, ACCOUNT, (user_id,)), "user")))
            return await _message(connection, user_id, message_id)

        async with self._database.of(user_id).transaction() as connection:
            return await done_once(connection, user_id, once, effect)


async def _message(connection: AsyncConnection[TupleRow], user_id: UUID, message_id: UUID) -> Message:
    return message_of(found(await fetched(connection, GET, (message_id, user_id)), "message"))
