"""What a simulator is made of, and the way of a request through it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from aiohttp.web import BaseRequest, Response, StreamResponse

from entrypoints.simulators.faults import ConnectionCutError, Fault, FaultError
from entrypoints.simulators.journal import Journal
from entrypoints.simulators.knobs import KnobBoard
from entrypoints.simulators.routing import Router

CONTROL_PREFIX = "/_sim/"
_OUTAGE = Fault(http_status=503, message="Service temporarily unavailable", is_transient=True)


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """A simulator ready to be served: its doors, its knobs, its journal, its way of writing errors."""

    name: str
    base_path: str
    api: Router
    control: Router
    board: KnobBoard[Any]
    journal: Journal
    render: Callable[[Fault], Response]
    running: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)

    async def __call__(self, request: BaseRequest) -> StreamResponse:
        """Answer one request."""
        try:
            if request.path.startswith(CONTROL_PREFIX):
                return await _routed(self.control, request)
            self._stumble(request)
            return await _routed(self.api, request)
        except FaultError as refused:
            return self.render(refused.fault)
        except ConnectionCutError:
            return cut(request)

    def close(self) -> None:
        """Close what the simulator has open."""
        self.journal.close()

    def _stumble(self, request: BaseRequest) -> None:
        knobs = self.board.values
        if knobs.outage:
            if knobs.outage_kind == "reset":
                raise ConnectionCutError
            raise FaultError(_OUTAGE)
        if error := self.board.drawn_error():
            self.journal.write(
                "injected_error", accepted=False, outcome="error", path=request.path, status=error.http_status
            )
            raise FaultError(error)


def cut(request: BaseRequest) -> Response:
    """Drop the connection without an answer; the empty response only ends the handler."""
    if request.transport is not None:
        request.transport.abort()
    return Response()


async def _routed(router: Router, request: BaseRequest) -> StreamResponse:
    found = router.find(request.method, request.path)
    if found is None:
        message = f"Invalid URL ({request.method} {request.path})"
        raise FaultError(Fault(http_status=404, message=message, type="invalid_request_error"))
    handler, arguments = found
    return await handler(request, *arguments)
