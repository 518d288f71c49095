"""Failed messages taken up again: retry_message of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from adapters.persistence.conversations import MESSAGES, message_of
from adapters.persistence.database import Database
from adapters.persistence.rows import fetched, found
from application.ports.clock import Ids
from application.ports.credits import KeyReused
from domain.conversations import Message
from domain.credits import InsufficientCredits
from domain.delivery import AgentGone, NotFailed, TurnUnderWay
from domain.shared import DomainError, NotFound, storable

RETRY = "select retry_message(%s, %s, %s)"
GET = MESSAGES + "where item.id = %s and item.user_id = %s"
FIRST_REQUEST = "select request_digest from idempotent_answers where user_id = %s and key = %s"
KEEP_REQUEST = """
insert into idempotent_answers (user_id, key, request_digest, answer)
values (%s, %s, %s, jsonb_build_object('message_id', %s::uuid))
"""
REFUSALS: Mapping[str, Callable[[], DomainError]] = {
    "unknown": partial(NotFound, "message"),
    "not_failed": partial(NotFailed, "Only a message of ours that failed can be sent again."),
    "agent_gone": partial(AgentGone, "The agent that wrote this message was removed."),
    "turn_under_way": partial(TurnUnderWay, "The conversation is being answered now; try again when that is done."),
    "insufficient_credits": partial(InsufficientCredits, "There is no credit left to send this message with."),
}


class _AnsweredBefore(Exception):
    """The key was used for this very request: what was done just now is rolled back."""


class PostgresRetries:
    """Each retry is one transaction: under the locks of the conversation and of the credits, or not at all."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids

    async def retry(self, user_id: UUID, message_id: UUID, idempotency_key: str | None) -> Message:
        """Put a failed message back to pending; see the port."""
        key = None if idempotency_key is None else storable(idempotency_key)
        try:
            async with self._database.of(user_id).transaction() as connection:
                await self._retry(connection, user_id, message_id, key)
                return await _message(connection, user_id, message_id)
        except _AnsweredBefore:
            async with self._database.of(user_id).transaction() as connection:
                return await _message(connection, user_id, message_id)

    async def _retry(
        self, connection: AsyncConnection[TupleRow], user_id: UUID, message_id: UUID, key: str | None
    ) -> None:
        ((outcome,),) = await fetched(connection, RETRY, (user_id, message_id, self._ids.new()))
        if key is not None and outcome != "unknown":
            # Asked behind the lock of the credits, where two requests with one key meet.
            await _must_be_first(connection, user_id, message_id, key)
        if refusal := REFUSALS.get(outcome):
            raise refusal()
        if key is not None:
            await connection.execute(KEEP_REQUEST, (user_id, key, _digest(message_id), message_id))


async def _must_be_first(connection: AsyncConnection[TupleRow], user_id: UUID, message_id: UUID, key: str) -> None:
    for (digest,) in await fetched(connection, FIRST_REQUEST, (user_id, key)):
        if digest != _digest(message_id):
            raise KeyReused("Idempotency-Key", "It was used before with another request.")
        raise _AnsweredBefore


async def _message(connection: AsyncConnection[TupleRow], user_id: UUID, message_id: UUID) -> Message:
    return message_of(found(await fetched(connection, GET, (message_id, user_id)), "message"))


def _digest(message_id: UUID) -> bytes:
    return sha256(f"messages.retry {message_id}".encode()).digest()
