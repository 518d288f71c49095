"""A provider on a socket that keeps what it is asked and answers what it was told, byte by byte."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True)
class Asked:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Provider:
    """Answers the next calls with these (status, body, headers), the last one again and again; None cuts the line."""

    answers: list[tuple[int, bytes, dict[str, str]] | None] = field(default_factory=lambda: [(200, b"{}", {})])
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def says(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.answers = [(status, body, {name.replace("_", "-"): value for name, value in headers.items()})]

    def cuts(self) -> None:
        self.answers = [None]

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(Asked(request.path, dict(request.headers), await request.read()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            request.transport.abort()
            return web.Response()
        status, body, headers = answer
        return web.Response(status=status, body=body, headers=headers)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Provider]:
        runner = web.ServerRunner(web.Server(self))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        await runner.cleanup()
