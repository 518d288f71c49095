"""Events of web chats over Redis: one connection of the process hears for everyone, and each gets what is theirs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from adapters.coordination.connection import SECONDS_MAX
from adapters.coordination.live_publisher import LivePublisher, channel_of, read_event
from application.ports.live import (
    STREAMS_MAX,
    STREAMS_PER_VISITOR_MAX,
    Changed,
    LiveEvent,
    StreamOver,
    Topic,
)
from domain.shared import Unavailable
from domain.webchat import TooManyStreams

EVENTS_WAITING_MAX = 256
"""A listener that lets so many events wait is too slow; it comes again and reads from the store what it missed."""
PING_SECONDS = 10.0
RETRY_SECONDS = 0.5


class RedisLiveStream:
    """What one listener hears: a queue that the process's connection fills."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.is_live = False
        self._events: asyncio.Queue[LiveEvent | None] = asyncio.Queue(EVENTS_WAITING_MAX)
        self._is_over = False

    async def next(self, seconds: float) -> LiveEvent | None:
        """The next event; see the port."""
        if self._is_over:
            raise StreamOver
        event: LiveEvent | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                event = await self._events.get()
        if self._is_over:
            raise StreamOver
        return event

    def hear(self, event: LiveEvent) -> None:
        """Put an event into the queue, or end the stream when it is full."""
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            self._is_over = True

    def end(self) -> None:
        """End the stream, and wake whoever waits."""
        self._is_over = True
        with suppress(asyncio.QueueFull):
            self._events.put_nowait(None)


class RedisLiveChannel:
    """Listens over a connection that is made when the first listener comes, and made again when it breaks."""

    def __init__(self, redis: Redis, url: str) -> None:
        self._publisher = LivePublisher(redis)
        self._url = url
        self._streams: defaultdict[str, set[RedisLiveStream]] = defaultdict(set)
        self._confirmed: dict[str, asyncio.Event] = {}
        self._pubsub: PubSub | None = None
        self._hearing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RedisLiveChannel]:
        """Itself, ended in the end."""
        try:
            yield self
        finally:
            self.hang_up()
            await self._publisher.close()
            if self._hearing is not None:
                self._hearing.cancel()
                await asyncio.wait({self._hearing})

    def publish(self, topic: Topic, event: LiveEvent) -> None:
        """Tell the listeners; see the port."""
        self._publisher.publish(topic, event)

    @asynccontextmanager
    async def listening(self, topic: Topic) -> AsyncIterator[RedisLiveStream]:
        """Listen from now on; see the port."""
        channel = channel_of(topic)
        self._must_have_room(channel)
        stream = RedisLiveStream(channel)
        self._streams[channel].add(stream)
        try:
            await self._subscribed(stream)
            yield stream
        finally:
            await self._left(stream)

    def hang_up(self) -> None:
        """End all streams; see the port."""
        for stream in [stream for streams in self._streams.values() for stream in streams]:
            stream.end()

    def _must_have_room(self, channel: str) -> None:
        if len(self._streams.get(channel, ())) >= STREAMS_PER_VISITOR_MAX:
            raise TooManyStreams(f"A visitor may follow the chat in {STREAMS_PER_VISITOR_MAX} places at once.")
        if sum(map(len, self._streams.values())) >= STREAMS_MAX:
            raise Unavailable("Too many visitors follow their chats here.")

    async def _subscribed(self, stream: RedisLiveStream) -> None:
        """Return when Redis has confirmed that events reach us, or does not say so in time."""
        if self._hearing is None:
            self._hearing = asyncio.create_task(self._hear_for_ever())
        confirmed = self._confirmed.get(stream.channel)
        if confirmed is None:
            confirmed = self._confirmed[stream.channel] = asyncio.Event()
            await self._ask(stream.channel)
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_MAX):
                await confirmed.wait()
        stream.is_live = confirmed.is_set()

    async def _ask(self, channel: str) -> None:
        if self._pubsub is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.subscribe(channel)

    async def _left(self, stream: RedisLiveStream) -> None:
        streams = self._streams[stream.channel]
        streams.discard(stream)
        if streams:
            return
        del self._streams[stream.channel]
        self._confirmed.pop(stream.channel, None)
        if self._pubsub is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.unsubscribe(stream.channel)

    async def _hear_for_ever(self) -> None:
        while True:
            with suppress(RedisError, OSError, TimeoutError):
                await self._hear()
            self._pubsub = None
            self._lost()
            await asyncio.sleep(RETRY_SECONDS)

    async def _hear(self) -> None:
        """Hear over one connection until it breaks. Raises RedisError, OSError or TimeoutError."""
        client = Redis.from_url(
            self._url, socket_connect_timeout=SECONDS_MAX, socket_keepalive=True, retry=Retry(NoBackoff(), 0)
        )
        async with client, client.pubsub() as pubsub:
            await pubsub.connect()
            self._pubsub = pubsub
            if self._streams:
                await pubsub.subscribe(*self._streams)
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
                for stream in self._streams.get(channel.decode(), ()):
                    stream.hear(read_event(data))
            case {"type": "subscribe", "channel": bytes(channel)}:
                self._reached(channel.decode())

    def _reached(self, channel: str) -> None:
        """Events reach the channel's streams from now on; those that were without get told to look."""
        for stream in self._streams.get(channel, ()):
            if not stream.is_live:
                stream.is_live = True
                stream.hear(Changed())
        if channel in self._confirmed:
            self._confirmed[channel].set()

    def _lost(self) -> None:
        for confirmed in self._confirmed.values():
            confirmed.clear()
        for streams in self._streams.values():
            for stream in streams:
                stream.is_live = False
