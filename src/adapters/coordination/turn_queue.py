"""One stream per phone number, and the wake-ups that tell workers to look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.coordination.script_runner import ScriptRunner
from adapters.coordination.scripts import ADMIT, CLAIM, FINISH
from adapters.gatherer import Gatherer
from application.ports.turn_queue import QueueEntry, QueueUnavailable
from application.ports.turns import Waiting

BATCH_MAX = 512
WAKE_UPS_MAX = 1_000
LEFT_BEHIND_MILLISECONDS = 180_000
"""Longer than any turn. Earlier recovery is the sweeper's, which asks Postgres and not a clock."""


class RedisTurnQueue:
    """Each phone number has a stream of conversations and the set of those in it, so that none stands in it twice.

    `wake_up` makes the message that a worker's consumer understands; it lands in the list `wake_up_key`.
    """

    def __init__(self, redis: Redis, wake_up_key: str, wake_up: Callable[[Sequence[UUID]], bytes]) -> None:
        self._wake_up_key = wake_up_key
        self._wake_up = wake_up
        self._scripts = ScriptRunner(redis)
        self._admitted = Gatherer(self._admit, items_max=BATCH_MAX)
        self._finished = Gatherer(self._finish, items_max=BATCH_MAX)

    async def admit(self, waiting: Sequence[Waiting]) -> None:
        """Queue conversations and wake a worker; see the port."""
        await self._admitted.all(waiting)

    async def claim(self, phone_number_id: UUID, worker_id: UUID, limit: int) -> Sequence[QueueEntry]:
        """Take the oldest entries; see the port."""
        arguments = (worker_id.hex, limit, LEFT_BEHIND_MILLISECONDS)
        flat = await _reached(self._scripts.run(CLAIM, _keys(phone_number_id), arguments))
        return [
            QueueEntry(entry_id.decode(), phone_number_id, UUID(conversation_id.decode()))
            for entry_id, conversation_id in zip(flat[::2], flat[1::2], strict=True)
        ]

    async def finish(self, entry: QueueEntry) -> None:
        """Acknowledge an entry; see the port."""
        await self._finished.one(entry)

    async def _admit(self, waiting: list[Waiting]) -> Sequence[None]:
        phone_numbers = list(dict.fromkeys(place.phone_number_id for place in waiting))
        index = {phone_number_id: 2 * place + 2 for place, phone_number_id in enumerate(phone_numbers)}
        keys = [self._wake_up_key, *(key for phone_number_id in phone_numbers for key in _keys(phone_number_id))]
        arguments: list[Any] = [self._wake_up(phone_numbers), WAKE_UPS_MAX]
        for place in waiting:
            arguments += (index[place.phone_number_id], place.conversation_id.hex)
        await _reached(self._scripts.run(ADMIT, keys, arguments))
        return [None] * len(waiting)

    async def _finish(self, entries: list[QueueEntry]) -> Sequence[None]:
        streams = list(dict.fromkeys(_keys(entry.phone_number_id)[0] for entry in entries))
        index = {stream: place + 1 for place, stream in enumerate(streams)}
        arguments: list[Any] = []
        for entry in entries:
            arguments += (index[_keys(entry.phone_number_id)[0]], entry.entry_id)
        await _reached(self._scripts.run(FINISH, streams, arguments))
        return [None] * len(entries)


def _keys(phone_number_id: UUID) -> tuple[str, str]:
    """The stream and the set of one phone number; the braces keep them on one shard of a cluster."""
    return f"turns:{{{phone_number_id.hex}}}", f"queued:{{{phone_number_id.hex}}}"


async def _reached(call: Awaitable[Any]) -> Any:  # noqa: ANN401 - what a script answers
    try:
        return await call
    except RedisError as error:
        raise QueueUnavailable(f"Redis does not answer: {type(error).__name__}") from error
