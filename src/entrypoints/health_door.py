"""The door of processes that serve nobody else, for orchestrators and Prometheus where no REST runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from aiohttp import web

from application.app import Application
from domain.shared import Unauthorized
from entrypoints.serving import must_be_free

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Check(Protocol):
    """How those are whom the door tells of: None when they are well, the reason otherwise."""

    def running(self) -> str | None:
        """Whether they run at all; starting them again helps where they do not."""
        ...

    def working(self) -> str | None:
        """Whether they do what they are there for."""
        ...


@asynccontextmanager
async def health_door(name: str, host: str, port: int, app: web.Application) -> AsyncIterator[None]:
    """The door is open. Raises CannotListen with the door's `name`."""
    must_be_free(name, host, port)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


def create_health_app(application: Application, who: str, check: Check) -> web.Application:
    """Whether `who` run, whether they work, and what is counted on this machine."""

    async def live(_request: web.Request) -> web.Response:
        return _answer({who: check.running()})

    async def ready(_request: web.Request) -> web.Response:
        health = await application.check_health()
        return _answer({**health.dependencies, who: check.working()})

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
