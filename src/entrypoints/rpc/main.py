"""Serving the gRPC door inside a running loop, until it is told to stop."""

from __future__ import annotations

import asyncio

from application.app import Application
from entrypoints.rpc.health import ServingHealth
from entrypoints.rpc.server import SERVICES, create_rpc_server
from entrypoints.rpc.tls import TlsFiles
from entrypoints.serving import GRACE_SECONDS, must_be_free, stop_on_signals


async def serve_rpc(
    application: Application, host: str, port: int, *, tls: TlsFiles | None = None, stop: asyncio.Event | None = None
) -> None:
    """Serve until `stop` is set, or SIGTERM or SIGINT comes when it is None; calls in flight are finished.

    Doors that share a loop need to share a `stop`, since a signal has one handler. Raises CannotListen when the
    address is taken.
    """
    must_be_free("gRPC", host, port)
    health = ServingHealth(SERVICES)
    server = create_rpc_server(application, health=health)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if tls is None:
        server.add_insecure_port(address)
    else:
        server.add_secure_port(address, tls.credentials())
    await server.start()
    following = asyncio.create_task(health.follow(application.check_health))
    try:
        await (stop or stop_on_signals()).wait()
    finally:
        following.cancel()
        health.end_watches()
        application.follow_messages.hang_up()
        await server.stop(GRACE_SECONDS)
