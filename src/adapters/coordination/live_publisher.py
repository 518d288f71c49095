"""Events on their way to Redis: gathered for a moment, and forgotten when nobody listens or it is out of reach."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Iterable
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.coordination.live_audience import Audience
from application.ports.live import AccountTopic, AnyTopic, Changed, ConversationTopic, Delta, LiveEvent, Topic, Typing

WAITING_MAX = 10_000
GATHER_SECONDS = 0.04
"""Pieces of an answer come faster than anybody reads: those of one moment travel as one."""


WATCHED = "watch:"
"""Of what travels there most is followed by nobody: it is sent only where somebody may hear it."""


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

    def __init__(self, redis: Redis, audience: Audience) -> None:
        self._redis = redis
        self._audience = audience
        self._waiting: deque[tuple[AnyTopic, LiveEvent]] = deque()
        self._sender: asyncio.Task[None] | None = None

    def publish(self, topic: AnyTopic, event: LiveEvent) -> None:
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

    async def _send(self, events: Iterable[tuple[AnyTopic, LiveEvent]]) -> None:
        travelling = self._heard_by_somebody([(channel_of(topic), event) for topic, event in events])
        if not travelling:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for channel, event in travelling:
                    pipeline.publish(channel, written(event))
                await pipeline.execute()
        except RedisError:
            return  # whoever listens looks at the store from time to time

    def _heard_by_somebody(self, events: list[tuple[str, LiveEvent]]) -> list[tuple[str, LiveEvent]]:
        """The events without those of conversations that nobody follows."""
        now = asyncio.get_running_loop().time()
        return [
            (channel, event)
            for channel, event in events
            if not channel.startswith(WATCHED) or self._audience.may_hear(channel, now)
        ]


def channel_of(topic: AnyTopic) -> str:
    """Where a topic's events travel. Names of people are hashed: a site may call them by their e-mail address."""
    match topic:
        case Topic(web_chat_id, visitor):
            return f"live:{web_chat_id.hex}:{_hashed(visitor)}"
        case ConversationTopic(conversation_id):
            return f"{WATCHED}{conversation_id.hex}"
        case AccountTopic(channel, account):
            return f"{WATCHED}{channel}:{_hashed(account)}"


def _hashed(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def joined(events: Iterable[tuple[AnyTopic, LiveEvent]]) -> list[tuple[AnyTopic, LiveEvent]]:
    """The same events in order for each topic, with the pieces of each answer joined, and no change told twice."""
    gathered: list[tuple[AnyTopic, LiveEvent]] = []
    newest: dict[AnyTopic, int] = {}
    for topic, event in events:
        place = newest.get(topic)
        before = gathered[place][1] if place is not None else None
        if isinstance(before, Changed) and isinstance(event, Changed):
            continue
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
