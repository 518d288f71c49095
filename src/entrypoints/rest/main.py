"""Serving the REST door inside a running loop, until it is told to stop."""

from __future__ import annotations

import asyncio

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from application.app import Application
from application.ports.live import STREAMS_MAX
from entrypoints.rest.access import with_access_log
from entrypoints.rest.app import create_rest_app
from entrypoints.rest.dashboard.simulation import Simulation
from entrypoints.rest.limits import with_body_deadline
from entrypoints.serving import GRACE_SECONDS, must_be_free, stop_on_signals

HEADER_MILLISECONDS_MAX = 2_000
HEADER_BYTES_MAX = 16 * 1024
CONNECTIONS_WAITING_MAX = 1_024
REQUESTS_AT_ONCE_MAX = 512
"""Beside the streams of web chats. Above it, connections wait in the kernel's queue instead of in our memory."""


async def serve_rest(
    application: Application,
    host: str,
    port: int,
    *,
    stop: asyncio.Event | None = None,
    simulation: Simulation | None = None,
) -> None:
    """Serve until `stop` is set, or SIGTERM or SIGINT comes when it is None; requests in flight are finished.

    Doors that share a loop need to share a `stop`, since a signal has one handler. Raises CannotListen when the
    address is taken.
    """
    must_be_free("REST", host, port)
    server = create_server(application, host, port, simulation)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task((stop or stop_on_signals()).wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        application.follow_chat.hang_up()  # streams never end by themselves
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait({serving}, timeout=GRACE_SECONDS)
    finally:
        stopping.cancel()
        serving.cancel()
    if serving.done() and not serving.cancelled():
        serving.result()


def create_server(application: Application, host: str, port: int, simulation: Simulation | None = None) -> Server:
    """Granian, because it closes connections that are slow with their headers; plain HTTP/1.1, as proxies speak."""
    return Server(
        with_access_log(with_body_deadline(create_rest_app(application, simulation)), application.telemetry),
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS_MAX, max_buffer_size=HEADER_BYTES_MAX),
        websockets=False,
        backlog=CONNECTIONS_WAITING_MAX,
        backpressure=REQUESTS_AT_ONCE_MAX + STREAMS_MAX,
        log_level=LogLevels.error,  # its own lines are not JSON, and it warns of being embedded at each start
        log_dictconfig={"formatters": {}, "handlers": {}, "loggers": {"_granian": {"propagate": True}}},
        log_access=False,
    )
