"""What one listener hears of the events over Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from adapters.coordination.live_audience import ANNOUNCED_SECONDS
from adapters.coordination.live_publisher import WATCHED
from application.ports.live import Changed, LiveEvent, StreamOver

EVENTS_WAITING_MAX = 256
"""A listener that lets so many events wait is too slow; it comes again and reads from the store what it missed."""
LISTENERS_KNOWN_SECONDS = ANNOUNCED_SECONDS + 1.0
"""After so long every publisher knows of a new listener, even if the first announcement was lost."""


class RedisLiveStream:
    """What one listener hears: a queue that the process's connection fills."""

    def __init__(self, channels: Sequence[str]) -> None:
        self.channels = channels
        self._events: asyncio.Queue[LiveEvent | None] = asyncio.Queue(EVENTS_WAITING_MAX)
        self._is_over = False
        self._reached: set[str] = set()
        self._known_at = float("inf")

    @property
    def is_live(self) -> bool:
        """Whether events can reach us; see the port."""
        return asyncio.get_running_loop().time() >= self._known_at

    def reach(self, channel: str) -> None:
        """Events of the channel reach us from now on; when all do, something may have been missed."""
        self._reached.add(channel)
        if self._known_at < float("inf") or len(self._reached) < len(self.channels):
            return
        is_watched = any(channel.startswith(WATCHED) for channel in self.channels)
        self._known_at = asyncio.get_running_loop().time() + (LISTENERS_KNOWN_SECONDS if is_watched else 0.0)
        self.hear(Changed())

    def lose(self) -> None:
        """Nothing reaches us any more."""
        self._reached.clear()
        self._known_at = float("inf")

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
