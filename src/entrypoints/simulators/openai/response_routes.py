"""The endpoints of responses."""

import asyncio
from collections.abc import Iterable

import msgspec
from aiohttp.web import BaseRequest, Response, StreamResponse

from entrypoints.simulators.answers import Json, client_left, json_answer, raw_answer, read_object
from entrypoints.simulators.faults import ConnectionCutError
from entrypoints.simulators.openai.errors import demand_key
from entrypoints.simulators.openai.events import closing_events, error_event, opening_events
from entrypoints.simulators.openai.paging import page
from entrypoints.simulators.openai.streaming import EventStream
from entrypoints.simulators.openai.work import Work, Workshop
from entrypoints.simulators.routing import Router

_DRIPS = 10


def add_response_routes(router: Router, workshop: Workshop) -> None:
    """Add them all."""
    routes = ResponseRoutes(workshop)
    router.add("POST", "/v1/responses", routes.create)
    router.add("GET", "/v1/responses/{id}", routes.show)
    router.add("DELETE", "/v1/responses/{id}", routes.delete)
    router.add("POST", "/v1/responses/{id}/cancel", routes.cancel)
    router.add("GET", "/v1/responses/{id}/input_items", routes.list_input)


class ResponseRoutes:
    """Parse, call, answer."""

    def __init__(self, workshop: Workshop) -> None:
        """Let this workshop do the work."""
        self._workshop = workshop

    async def create(self, request: BaseRequest) -> StreamResponse:
        demand_key(request)
        work = self._workshop.accept(await read_object(request), request)
        if work.outcome.hang:
            self._workshop.note_hang(work)
            await client_left(request)
            raise ConnectionCutError
        if work.order.streamed:
            return await self._stream(request, work)
        return await self._answer(request, work)

    async def show(self, request: BaseRequest, response_id: str) -> Response:
        demand_key(request)
        return json_answer(self._workshop.responses.find(response_id))

    async def delete(self, request: BaseRequest, response_id: str) -> Response:
        demand_key(request)
        self._workshop.responses.delete(response_id)
        return json_answer({"id": response_id, "object": "response", "deleted": True})

    async def cancel(self, request: BaseRequest, response_id: str) -> Response:
        demand_key(request)
        return json_answer(self._workshop.cancel(response_id))

    async def list_input(self, request: BaseRequest, response_id: str) -> Response:
        demand_key(request)
        return json_answer(page(self._workshop.responses.input_of(response_id), request))

    async def _answer(self, request: BaseRequest, work: Work) -> StreamResponse:
        if work.order.background:
            self._workshop.start(work)
        else:
            await self._workshop.carry_out(work)
        if work.answer_is_lost:
            raise ConnectionCutError
        body = msgspec.json.encode(work.response)
        if work.outcome.broken_json:
            return raw_answer(body[: len(body) // 2])
        if work.outcome.drip_ms:
            return await _drip(request, body, work.outcome.drip_ms / 1000)
        return raw_answer(body)

    async def _stream(self, request: BaseRequest, work: Work) -> StreamResponse:
        stream = EventStream(request, work.outcome)
        opening = list(opening_events(work.response))
        # The work is a task of its own from here on: a slow or vanished reader must not hold it up.
        task = self._workshop.start(work)
        await stream.send(opening)
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()
        if work.answer_is_lost:
            raise ConnectionCutError
        await stream.send(_ending(work))
        return stream.close()


def _ending(work: Work) -> Iterable[Json]:
    if work.outcome.stream_error:
        return [error_event(work.outcome.stream_error)]
    return closing_events(work.response)


async def _drip(request: BaseRequest, body: bytes, pause_seconds: float) -> StreamResponse:
    answer = StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await answer.prepare(request)
    step = len(body) // _DRIPS + 1
    for start in range(0, len(body), step):
        await asyncio.sleep(pause_seconds)
        await answer.write(body[start : start + step])
    return answer
