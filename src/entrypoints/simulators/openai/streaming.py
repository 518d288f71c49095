"""Server-sent events: numbered, and slow, cut or broken where the outcome says so."""

import asyncio
from collections.abc import Iterable

import msgspec
from aiohttp.web import BaseRequest, StreamResponse

from entrypoints.simulators.answers import Json
from entrypoints.simulators.faults import ConnectionCutError
from entrypoints.simulators.openai.events import TERMINAL_TYPES
from entrypoints.simulators.openai.identifiers import new_id
from entrypoints.simulators.openai.outcomes import Outcome

_encode = msgspec.json.Encoder().encode


class EventStream:
    """The stream to one client, who may leave at any time: that ends the sending, never the work."""

    def __init__(self, request: BaseRequest, outcome: Outcome) -> None:
        """Nothing is sent yet."""
        self._request = request
        self._outcome = outcome
        self._events_sent = 0
        self._is_cut = False
        self.answer = StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "x-request-id": new_id("req")}
        )

    async def send(self, events: Iterable[Json]) -> None:
        """Send events: all at once, or one by one with a pause if the outcome drips."""
        frames = [self._frame(number, event) for number, event in enumerate(events, self._events_sent)]
        allowed = self._allowed(frames)
        try:
            await self._write(allowed)
        except ConnectionError:
            # The client left. As with the original, the work goes on and is written down elsewhere.
            return
        self._events_sent += len(frames)
        if len(allowed) < len(frames):
            self._cut()

    def close(self) -> StreamResponse:
        """The answer that was streamed. Raises ConnectionCutError if it was to be cut."""
        if self._is_cut:
            raise ConnectionCutError
        return self.answer

    def _frame(self, number: int, event: Json) -> bytes:
        data = _encode(event | {"sequence_number": number})
        if self._outcome.broken_json and event["type"] in TERMINAL_TYPES:
            data = data[: len(data) // 2]
        return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), data)

    def _allowed(self, frames: list[bytes]) -> list[bytes]:
        limit = self._outcome.cut_after_events
        return frames if limit is None else frames[: max(0, limit - self._events_sent)]

    async def _write(self, frames: list[bytes]) -> None:
        if not self.answer.prepared:
            await self.answer.prepare(self._request)
        if not self._outcome.drip_ms:
            await self.answer.write(b"".join(frames))
            return
        for frame in frames:
            await self.answer.write(frame)
            await asyncio.sleep(self._outcome.drip_ms / 1000)

    def _cut(self) -> None:
        self._is_cut = True
        if self._request.transport is not None:
            # Closed, not aborted: what was allowed out must arrive before the end does.
            self._request.transport.close()
