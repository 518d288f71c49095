"""Events over Redis: one connection of the process hears for everyone, and each gets what is theirs."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from adapters.coordination.connection import SECONDS_MAX
from adapters.coordination.live_audience import ANNOUNCED_SECONDS, AUDIENCE, Audience, announcement
from adapters.coordination.live_publisher import WATCHED, LivePublisher, channel_of, read_event
from adapters.coordination.live_stream import RedisLiveStream
from application.ports.live import (
    STREAMS_MAX,
    STREAMS_PER_ACCOUNT_MAX,
    STREAMS_PER_VISITOR_MAX,
    AccountTopic,
    AnyTopic,
    LiveEvent,
    Topic,
)
from domain.shared import Unavailable
from domain.webchat import TooManyStreams

PING_SECONDS = 10.0
RETRY_SECONDS = 0.5
RETRY_SECONDS_MAX = 4.0
_KERNEL_ASKS = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
KEEPALIVE = {getattr(socket, name): value for name, value in _KERNEL_ASKS.items() if hasattr(socket, name)}
"""Who only hears of followers sends no pings, which would be paid for: the kernel notices a dead connection."""


class RedisLiveChannel:
    """Listens over a connection that is made when somebody listens or publishes, and made again when it breaks."""

    def __init__(self, redis: Redis, url: str) -> None:
        self._redis = redis
        self._audience = Audience()
        self._publisher = LivePublisher(redis, self._audience)
        self._url = url
        self._streams: defaultdict[str, set[RedisLiveStream]] = defaultdict(set)
        self._confirmed: dict[str, asyncio.Event] = {}
        self._pubsub: PubSub | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._announcing: asyncio.Task[None] | None = None
        self._retry_seconds = RETRY_SECONDS

    @property
    def knows_who_listens(self) -> bool:
        """Whether nothing is sent any more to conversations that nobody follows."""
        return self._audience.is_known(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RedisLiveChannel]:
        """Itself, ended in the end."""
        try:
            yield self
        finally:
            self.hang_up()
            await self._publisher.close()
            tasks = {task for task in (self._hearing, self._announcing) if task is not None}
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    def publish(self, topic: AnyTopic, event: LiveEvent) -> None:
        """Tell the listeners; see the port."""
        self._begin_to_hear()
        self._publisher.publish(topic, event)

    @asynccontextmanager
    async def listening(self, *topics: AnyTopic) -> AsyncIterator[RedisLiveStream]:
        """Listen from now on; see the port."""
        for topic in topics:
            self._must_have_room(topic)
        stream = RedisLiveStream([channel_of(topic) for topic in topics])
        for channel in stream.channels:
            self._streams[channel].add(stream)
        try:
            await self._subscribed(stream)
            yield stream
        finally:
            await self._left(stream)

    def hang_up(self) -> None:
        """End all streams; see the port."""
        for stream in self._all_streams():
            stream.end()

    def _all_streams(self) -> set[RedisLiveStream]:
        return {stream for streams in self._streams.values() for stream in streams}

    def _must_have_room(self, topic: AnyTopic) -> None:
        count = len(self._streams.get(channel_of(topic), ()))
        if isinstance(topic, Topic) and count >= STREAMS_PER_VISITOR_MAX:
            raise TooManyStreams(f"A visitor may follow the chat in {STREAMS_PER_VISITOR_MAX} places at once.")
        if isinstance(topic, AccountTopic) and count >= STREAMS_PER_ACCOUNT_MAX:
            raise TooManyStreams(f"A phone number may be followed in {STREAMS_PER_ACCOUNT_MAX} places at once.")
        if len(self._all_streams()) >= STREAMS_MAX:
            raise Unavailable("Too many follow what happens here.")

    async def _subscribed(self, stream: RedisLiveStream) -> None:
        """Return when Redis has confirmed that events reach us, or does not say so in time."""
        self._begin_to_hear()
        for channel in stream.channels:
            if channel not in self._confirmed:
                self._confirmed[channel] = asyncio.Event()
                await self._ask(channel)
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_MAX):
                for channel in stream.channels:
                    await self._confirmed[channel].wait()
                    stream.reach(channel)
        await self._announce()
        if self._announcing is None:
            self._announcing = asyncio.create_task(self._announce_for_ever())

    def _begin_to_hear(self) -> None:
        if self._hearing is None:
            self._hearing = asyncio.create_task(self._hear_for_ever())

    async def _announce_for_ever(self) -> None:
        while True:
            await asyncio.sleep(ANNOUNCED_SECONDS)
            await self._announce()

    async def _announce(self) -> None:
        """Say what is followed here. Where nothing is, nothing is said."""
        if followed := [channel for channel in self._streams if channel.startswith(WATCHED)]:
            with suppress(RedisError, OSError, TimeoutError):
                await self._redis.publish(AUDIENCE, announcement(followed))

    async def _ask(self, channel: str) -> None:
        if self._pubsub is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.subscribe(channel)

    async def _left(self, stream: RedisLiveStream) -> None:
        for channel in stream.channels:
            self._streams[channel].discard(stream)
        deserted = [channel for channel in stream.channels if not self._streams[channel]]
        for channel in deserted:
            del self._streams[channel]
            self._confirmed.pop(channel, None)
        if deserted and self._pubsub is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.unsubscribe(*deserted)

    async def _hear_for_ever(self) -> None:
        while True:
            with suppress(RedisError, OSError, TimeoutError):
                await self._hear()
            self._pubsub = None
            self._lost()
            await asyncio.sleep(self._retry_seconds)
            self._retry_seconds = min(2 * self._retry_seconds, RETRY_SECONDS_MAX)

    async def _hear(self) -> None:
        """Hear over one connection until it breaks. Raises RedisError, OSError or TimeoutError."""
        client = Redis.from_url(
            self._url,
            socket_connect_timeout=SECONDS_MAX,
            socket_keepalive=True,
            socket_keepalive_options=KEEPALIVE,
            retry=Retry(NoBackoff(), 0),
        )
        async with client, client.pubsub() as pubsub:
            await pubsub.connect()
            self._pubsub = pubsub
            await pubsub.subscribe(AUDIENCE, *self._streams)
            while True:
                await self._hear_one(pubsub)

    async def _hear_one(self, pubsub: PubSub) -> None:
        message = await pubsub.get_message(timeout=PING_SECONDS)
        if message is None and self._streams:
            await pubsub.ping()
            message = await pubsub.get_message(timeout=PING_SECONDS)
            if message is None:
                raise TimeoutError
        match message:
            case {"type": "message", "channel": bytes(channel), "data": bytes(data)}:
                self._heard(channel.decode(), data)
            case {"type": "subscribe", "channel": bytes(channel)}:
                self._reached(channel.decode())

    def _heard(self, channel: str, data: bytes) -> None:
        if channel == AUDIENCE:
            self._audience.heard(data, asyncio.get_running_loop().time())
        for stream in self._streams.get(channel, ()):
            stream.hear(read_event(data))

    def _reached(self, channel: str) -> None:
        """Events reach the channel's streams from now on; those that were without get told to look."""
        if channel == AUDIENCE:
            self._audience.begins(asyncio.get_running_loop().time())
            self._retry_seconds = RETRY_SECONDS
        for stream in self._streams.get(channel, ()):
            stream.reach(channel)
        if channel in self._confirmed:
            self._confirmed[channel].set()

    def _lost(self) -> None:
        self._audience.lost()
        for confirmed in self._confirmed.values():
            confirmed.clear()
        for stream in self._all_streams():
            stream.lose()
