"""A simulator in its own process, as the tests see it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

SOURCE = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[str]
    url: str

    @property
    def host_url(self) -> str:
        return self.url.removesuffix("/v1")


def start(name: str, *flags: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"entrypoints.simulators.{name}", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE), **(environment or {})},
    )


@contextmanager
def running(name: str, *flags: str, environment: dict[str, str] | None = None) -> Iterator[Running]:
    """The simulator once it is ready; at the end it is stopped and must have nothing to complain about."""
    process = start(name, *flags, environment=environment)
    try:
        ready = process.stdout.readline()
        assert "ready at http" in ready, process.stderr.read()
        yield Running(process, ready.split()[-1])
    finally:
        process.terminate()
        _, complaints = process.communicate(timeout=10)
    assert (process.returncode, complaints) == (0, "")


class Controls:
    """The control endpoints of a simulator."""

    def __init__(self, session: aiohttp.ClientSession, host_url: str):
        self._session = session
        self._url = f"{host_url}/_sim"

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        async with self._session.request(method, f"{self._url}/{path}", json=body, params=query) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def script(self, *rules: dict[str, Any]) -> None:
        await self.call("POST", "script", list(rules))

    async def knobs(self, **changes: Any) -> None:
        await self.call("PATCH", "knobs", changes)

    async def records(self, kind: str, *, count: int = 1, **query: Any) -> list[dict[str, Any]]:
        """All records of a kind, once there are so many."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            after = found[-1]["number"] if found else 0
            page = await self.call("GET", "journal", kind=kind, after=after, wait_ms=5000, **query)
            assert page["records"], f"only {len(found)} of {count} records of kind {kind}: {found}"
            found += page["records"]
        return found

    async def reset(self, knobs: dict[str, Any]) -> None:
        await self.call("PATCH", "knobs", knobs)
        await self.call("DELETE", "script")
        await self.call("DELETE", "journal")
