"""One stream per phone number, the locks of its conversations, and the wake-ups that tell workers to look."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.coordination.context_cache import RedisContextCache, context_key
from adapters.coordination.script_runner import ScriptRunner
from adapters.coordination.scripts import ADMIT, CLAIM, FINISH, LEAVE, LOCK, STATE, WAITED
from adapters.gatherer import Gatherer
from application.ports.turn_queue import QueueEntry, QueueState, QueueUnavailable
from application.ports.turns import Waiting

BATCH_MAX = 512
WAKE_UPS_MAX = 1_000
WORKERS_KEY = "workers"
"""Until when each worker is alive, as far as Redis knows."""

WakeUp = Callable[[Sequence[UUID]], bytes]


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """`capacity` entries may wait for a phone number, `in_flight_max` be worked on.

    What is taken is under a lease of `lease_seconds`, its lock too.
    """

    capacity: int
    in_flight_max: int
    lease_seconds: float


class RedisTurnQueue:
    """A conversation stands in its phone number's stream once. What is claimed is locked until it is finished.

    `wake_up` makes the message that a worker's consumer understands; it lands in the list `wake_up_key`. A claim brings
    the phone number's context along for `contexts`.
    """

    def __init__(
        self, redis: Redis, wake_up_key: str, wake_up: WakeUp, limits: QueueLimits, contexts: RedisContextCache
    ) -> None:
        self._wake_up_key = wake_up_key
        self._wake_up = wake_up
        self._limits = limits
        self._contexts = contexts
        self._lease_milliseconds = round(limits.lease_seconds * 1_000)
        self._redis = redis
        self._scripts = ScriptRunner(redis)
        self._admitted = Gatherer(self._admit, items_max=BATCH_MAX)
        self._finished = Gatherer(self._finish, items_max=BATCH_MAX)

    async def admit(self, waiting: Sequence[Waiting]) -> Collection[UUID]:
        """Queue conversations and wake a worker; see the port."""
        refused = await self._admitted.all(waiting)
        return {phone_number_id for phone_number_id in refused if phone_number_id is not None}

    async def claim(self, phone_number_id: UUID, worker_id: UUID, limit: int) -> Sequence[QueueEntry]:
        """Take the oldest entries; see the port."""
        own = (worker_id.hex, limit, self._limits.in_flight_max, self._lease_milliseconds)
        keys = (*_keys(phone_number_id), WORKERS_KEY, context_key(phone_number_id))
        flat, context = await _reached(self._scripts.run(CLAIM, keys, (*own, self._contexts.milliseconds)))
        self._contexts.carry(phone_number_id, context)
        return [
            QueueEntry(entry_id.decode(), phone_number_id, UUID(conversation_id.decode()), worker_id, bool(locked))
            for entry_id, conversation_id, locked in zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        ]

    async def lock(self, entries: Sequence[QueueEntry]) -> Sequence[bool]:
        """Renew the leases and take or renew the locks; see the port."""
        by_number: dict[UUID, list[QueueEntry]] = defaultdict(list)
        for entry in entries:
            by_number[entry.phone_number_id].append(entry)
        # Side by side they travel together: a heartbeat holds up whatever is to begin.
        had = await asyncio.gather(*(self._lock(number, own) for number, own in by_number.items()))
        locked = {entry: has for each in had for entry, has in each.items()}
        return [locked[entry] for entry in entries]

    async def note_wait(self, entry: QueueEntry, seconds: float) -> None:
        """Count a wait for a lock; see the port."""
        milliseconds = round(seconds * 1_000)
        await _reached(self._scripts.run(WAITED, (_waits_key(entry.phone_number_id),), (milliseconds,)))

    async def finish(self, entry: QueueEntry) -> None:
        """Acknowledge an entry and give its lock back; see the port."""
        await self._finished.one(entry)

    async def leave(self, worker_id: UUID) -> None:
        """Let what the worker held count as left behind; see the port."""
        await _reached(self._scripts.run(LEAVE, (WORKERS_KEY,), (worker_id.hex,)))

    async def drop(self, phone_number_id: UUID) -> None:
        """Drop its queue; see the port."""
        keys = (*_keys(phone_number_id), _waits_key(phone_number_id))
        await _reached(self._redis.unlink(*keys))

    async def state(self, phone_number_id: UUID) -> QueueState:
        """How the queue stands; see the port."""
        stream, _, locks = _keys(phone_number_id)
        keys = (stream, locks, WORKERS_KEY, _waits_key(phone_number_id))
        waiting, in_flight, age, locked, times, waited = await _reached(self._scripts.run(STATE, keys, ()))
        return QueueState(waiting, in_flight, None if age < 0 else age / 1_000, locked, times, waited / 1_000)

    async def _lock(self, phone_number_id: UUID, own: Sequence[QueueEntry]) -> Mapping[QueueEntry, bool]:
        stream, _, locks = _keys(phone_number_id)
        pairs = [word for entry in own for word in (entry.entry_id, entry.conversation_id.hex)]
        arguments = (own[0].worker_id.hex, self._lease_milliseconds, *pairs)
        had = await _reached(self._scripts.run(LOCK, (stream, locks, WORKERS_KEY), arguments))
        return {entry: bool(has) for entry, has in zip(own, had, strict=True)}

    async def _admit(self, waiting: list[Waiting]) -> Sequence[UUID | None]:
        """For each, None when it stands in the queue now, else the phone number whose queue is full."""
        numbers = list(dict.fromkeys(place.phone_number_id for place in waiting))
        index = {number: 2 * place + 2 for place, number in enumerate(numbers)}
        keys = [self._wake_up_key, *(key for number in numbers for key in _keys(number)[:2])]
        arguments: list[Any] = [self._wake_up(numbers), WAKE_UPS_MAX, self._limits.capacity]
        for place in waiting:
            arguments += (index[place.phone_number_id], place.conversation_id.hex)
        full = {int(place) for place in await _reached(self._scripts.run(ADMIT, keys, arguments))}
        return [place.phone_number_id if index[place.phone_number_id] in full else None for place in waiting]

    async def _finish(self, entries: list[QueueEntry]) -> Sequence[None]:
        numbers = list(dict.fromkeys(entry.phone_number_id for entry in entries))
        index = {number: 2 * place + 2 for place, number in enumerate(numbers)}
        keys = [self._wake_up_key, *(key for number in numbers for key in _keys(number)[::2])]
        arguments: list[Any] = [entries[0].worker_id.hex, self._limits.in_flight_max, WAKE_UPS_MAX]
        for entry in entries:
            wake_up = self._wake_up((entry.phone_number_id,))
            arguments += (index[entry.phone_number_id], entry.entry_id, entry.conversation_id.hex, wake_up)
        await _reached(self._scripts.run(FINISH, keys, arguments))
        return [None] * len(entries)


def _keys(phone_number_id: UUID) -> tuple[str, str, str]:
    """Stream, set and locks of one phone number; the braces keep them on one shard of a cluster."""
    number = f"{{{phone_number_id.hex}}}"
    return f"turns:{number}", f"queued:{number}", f"locks:{number}"


def _waits_key(phone_number_id: UUID) -> str:
    return f"waits:{{{phone_number_id.hex}}}"


async def _reached(call: Awaitable[Any]) -> Any:  # noqa: ANN401 - what a script answers
    try:
        return await call
    except RedisError as error:
        raise QueueUnavailable(f"Redis does not answer: {type(error).__name__}") from error
