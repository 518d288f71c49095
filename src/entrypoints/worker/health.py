"""The workers' own door, for orchestrators and Prometheus where no REST runs: one for each machine.

The supervisor forks it beside the workers. It tells of them by what they have counted, since their event loops may
be just what is in trouble.
"""

from __future__ import annotations

import asyncio
import os

from aiohttp import web

from application.app import Application
from domain.shared import Unauthorized
from entrypoints.process import announced, run_process
from entrypoints.serving import must_be_free
from entrypoints.settings import Settings

TEXT = "text/plain; version=0.0.4; charset=utf-8"


def health_process() -> int:
    """Serve until SIGTERM; the exit code."""
    return run_process(os.environ, "health", _serve)


async def _serve(application: Application, settings: Settings, stop: asyncio.Event) -> None:
    host, port = settings.worker_health_host, settings.worker_health_port
    if port is None:
        return
    must_be_free("The workers' health", host, port)
    runner = web.AppRunner(create_health_app(application), access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        async with announced(host, port):
            await stop.wait()
    finally:
        await runner.cleanup()


def create_health_app(application: Application) -> web.Application:
    """Whether the workers run, whether they work, and what they count."""

    async def live(_request: web.Request) -> web.Response:
        return _answer({"workers": application.check_workers.running()})

    async def ready(_request: web.Request) -> web.Response:
        health = await application.check_health()
        return _answer({**health.dependencies, "workers": application.check_workers.working()})

    async def metrics(request: web.Request) -> web.Response:
        _, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            body = await application.show_metrics(token.strip() or None)
        except Unauthorized as error:
            return web.json_response({"detail": str(error)}, status=401, headers={"www-authenticate": "Bearer"})
        return web.Response(body=body, headers={"content-type": TEXT})

    app = web.Application()
    app.add_routes([web.get("/health/live", live), web.get("/health/ready", ready), web.get("/metrics", metrics)])
    return app


def _answer(reasons: dict[str, str | None]) -> web.Response:
    is_well = not any(reasons.values())
    body = {
        "status": "ok" if is_well else "unavailable",
        "dependencies": {
            name: {"status": "unavailable" if reason else "ok", "reason": reason} for name, reason in reasons.items()
        },
    }
    return web.json_response(body, status=200 if is_well else 503)
