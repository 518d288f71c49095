"""What happens in web chats this very moment, within one process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from application.ports.live import STREAMS_PER_VISITOR_MAX, AnyTopic, LiveEvent, StreamOver, Topic
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
        self.published: list[tuple[AnyTopic, LiveEvent]] = []
        self.streams: defaultdict[AnyTopic, set[MemoryStream]] = defaultdict(set)
        self.is_down = False

    def publish(self, topic: AnyTopic, event: LiveEvent) -> None:
        self.published.append((topic, event))
        for stream in () if self.is_down else self.streams[topic]:
            stream.events.put_nowait(event)

    @asynccontextmanager
    async def listening(self, *topics: AnyTopic) -> AsyncIterator[MemoryStream]:
        if any(isinstance(topic, Topic) and len(self.streams[topic]) >= STREAMS_PER_VISITOR_MAX for topic in topics):
            raise TooManyStreams("In so many places nobody can look at once.")
        stream = MemoryStream(is_live=not self.is_down)
        for topic in topics:
            self.streams[topic].add(stream)
        try:
            yield stream
        finally:
            for topic in topics:
                self.streams[topic].discard(stream)

    def hang_up(self) -> None:
        for stream in {stream for streams in self.streams.values() for stream in streams}:
            stream.events.put_nowait(None)
