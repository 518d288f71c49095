"""What happens in web chats this very moment, within one process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from application.ports.live import STREAMS_PER_VISITOR_MAX, LiveEvent, StreamOver, Topic
from domain.webchat import TooManyStreams


class MemoryStream:
    """What one listener hears."""

    def __init__(self, *, is_live: bool) -> None:
        self.is_live = is_live
        self.events: asyncio.Queue[LiveEvent | None] = asyncio.Queue()

    async def next(self, seconds: float) -> LiveEvent | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                event = await self.events.get()
                if event is None:
                    raise StreamOver
                return event
        return None


class MemoryLive:
    """Keeps what was published. While it `is_down` nobody hears of it."""

    def __init__(self) -> None:
        self.published: list[tuple[Topic, LiveEvent]] = []
        self.streams: defaultdict[Topic, set[MemoryStream]] = defaultdict(set)
        self.is_down = False

    def publish(self, topic: Topic, event: LiveEvent) -> None:
        self.published.append((topic, event))
        for stream in () if self.is_down else self.streams[topic]:
            stream.events.put_nowait(event)

    @asynccontextmanager
    async def listening(self, topic: Topic) -> AsyncIterator[MemoryStream]:
        if len(self.streams[topic]) >= STREAMS_PER_VISITOR_MAX:
            raise TooManyStreams("In so many places nobody can look at once.")
        stream = MemoryStream(is_live=not self.is_down)
        self.streams[topic].add(stream)
        try:
            yield stream
        finally:
            self.streams[topic].discard(stream)

    def hang_up(self) -> None:
        for stream in [stream for streams in self.streams.values() for stream in streams]:
            stream.events.put_nowait(None)
