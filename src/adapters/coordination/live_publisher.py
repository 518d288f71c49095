"""Events of web chats on their way to Redis: gathered for a moment, and forgotten when it is out of reach."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Iterable
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from application.ports.live import Changed, Delta, LiveEvent, Topic, Typing

WAITING_MAX = 10_000
GATHER_SECONDS = 0.04
"""Pieces of an answer come faster than anybody reads: those of one moment travel as one."""


class _Typing(msgspec.Struct, tag="typing"):
    pass


class _Changed(msgspec.Struct, tag="changed"):
    pass


class _Delta(msgspec.Struct, tag="delta"):
    turn_id: UUID
    start: int
    text: str


_decoder = msgspec.json.Decoder(_Typing | _Changed | _Delta)


class LivePublisher:
    """Takes events without waiting; a task of its own sends them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: deque[tuple[Topic, LiveEvent]] = deque()
        self._sender: asyncio.Task[None] | None = None

    def publish(self, topic: Topic, event: LiveEvent) -> None:
        """Send it soon; see the port."""
        if len(self._waiting) >= WAITING_MAX:
            return
        self._waiting.append((topic, event))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())

    async def close(self) -> None:
        """Send what still waits."""
        if self._sender is not None:
            await asyncio.wait({self._sender}, timeout=1)

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                events = list(self._waiting)
                self._waiting.clear()
                await self._send(joined(events))
                await asyncio.sleep(GATHER_SECONDS)
        finally:
            self._sender = None

    async def _send(self, events: Iterable[tuple[Topic, LiveEvent]]) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for topic, event in events:
                    pipeline.publish(channel_of(topic), written(event))
                await pipeline.execute()
        except RedisError:
            return  # whoever listens looks at the store from time to time


def channel_of(topic: Topic) -> str:
    """Where a visitor's events travel. The visitor is hashed: a site may call them by their e-mail address."""
    visitor = hashlib.blake2b(topic.visitor.encode(), digest_size=16).hexdigest()
    return f"live:{topic.web_chat_id.hex}:{visitor}"


def joined(events: Iterable[tuple[Topic, LiveEvent]]) -> list[tuple[Topic, LiveEvent]]:
    """The same events with the pieces of each answer joined, in order for each topic."""
    gathered: list[tuple[Topic, LiveEvent]] = []
    newest: dict[Topic, int] = {}
    for topic, event in events:
        place = newest.get(topic)
        before = gathered[place][1] if place is not None else None
        if place is not None and isinstance(before, Delta) and isinstance(event, Delta) and _follows(before, event):
            gathered[place] = (topic, Delta(event.turn_id, before.start, before.text + event.text))
            continue
        newest[topic] = len(gathered)
        gathered.append((topic, event))
    return gathered


def _follows(before: Delta, event: Delta) -> bool:
    return before.turn_id == event.turn_id and before.start + len(before.text) == event.start


def written(event: LiveEvent) -> bytes:
    """The event as it travels."""
    match event:
        case Typing():
            return msgspec.json.encode(_Typing())
        case Changed():
            return msgspec.json.encode(_Changed())
        case Delta(turn_id, start, text):
            return msgspec.json.encode(_Delta(turn_id, start, text))


def read_event(data: bytes) -> LiveEvent:
    """The event that travelled. What cannot be read (of a newer release, say) is a reason to look at the store."""
    try:
        event = _decoder.decode(data)
    except msgspec.DecodeError:
        return Changed()
    match event:
        case _Delta(turn_id, start, text):
            return Delta(turn_id, start, text)
        case _Typing():
            return Typing()
        case _:
            return Changed()
