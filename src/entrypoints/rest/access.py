"""One line and two counts for each request, whatever came of it. Routes by their templates: paths hold ids."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from application.ports.telemetry import Telemetry
from entrypoints.rest.request_ids import request_id_of

log = structlog.get_logger(__name__)

TOLD = "told"
"""Where in a request's state a route leaves what else its line should tell."""
HUNG_UP = 499
"""Nobody was there any more to be answered."""
UNMATCHED = "unmatched"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/health/live", "/health/ready", "/health", "/metrics"})
"""What machines ask all day: counted, and told at debug."""


def tell(scope: Scope, **facts: Any) -> None:  # noqa: ANN401 - whatever a line may hold
    """Have the line of this request tell that too."""
    scope.setdefault("state", {}).setdefault(TOLD, {}).update(facts)


def with_access_log(app: ASGIApp, telemetry: Telemetry) -> ASGIApp:
    """`app`, whose requests are told of and counted."""

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        began, status = perf_counter(), HUNG_UP

        async def send_watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id_of(scope)):
            try:
                await app(scope, receive, send_watched)
            finally:
                _tell_of(scope, telemetry, status, perf_counter() - began)

    return watched


def _tell_of(scope: Scope, telemetry: Telemetry, status: int, seconds: float) -> None:
    method = str(scope["method"]) if scope["method"] in METHODS else "other"  # type: ignore[typeddict-item]
    route = scope.get("path_template") or UNMATCHED
    telemetry.requested("rest", f"{method} {route}", str(status), seconds)
    write = log.debug if route in QUIET else log.info
    milliseconds = round(seconds * 1_000, 1)
    facts = scope.get("state", {}).get(TOLD, {})
    write("request", method=method, route=route, status=status, milliseconds=milliseconds, **facts)
