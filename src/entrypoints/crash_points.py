"""Named crash points: a process that ends by SIGKILL just before or after a call of a port, for tests of recovery.

`CRASH_AT=before:gateway.send` ends it at the first passing, `…:3` at the third. The token file keeps whoever is
started next alive, until somebody removes it. `CRASH_AT=before:model.answer:text=BOOM` ends it whenever an
argument holds that text, token or not: a message that kills every worker.
"""

from __future__ import annotations

import inspect
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from application.app import Ports

TOKEN = "crashed"  # noqa: S105 - the name of a file
"""The token file's name below FRONTDESK_HOME, unless CRASH_ONCE_FILE says where it is."""

_SHAPE = re.compile(r"(before|after):([a-z_]+)\.([a-z_]+)(?::(?:([1-9]\d*)|text=(.+)))?")

Method = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """Where a process ends: `passing` counts the calls, a `text` makes all of those deadly that carry it."""

    is_after: bool
    port: str
    method: str
    passing: int = 1
    text: str | None = None


def parse_crash_point(written: str) -> CrashPoint:
    """The point as it is written in CRASH_AT. Raises ValueError for one that is not on any path."""
    shape = _SHAPE.fullmatch(written)
    if shape is None:
        raise ValueError("write it as before:gateway.send, after:queue.claim:2 or before:model.answer:text=BOOM")
    moment, port, method, passing, text = shape.groups()
    if not inspect.isfunction(getattr(get_type_hints(Ports).get(port), method, None)):
        raise ValueError(f"there is no call {port}.{method}")
    return CrashPoint(moment == "after", port, method, int(passing or 1), text)


def with_crash_point(ports: Ports, point: CrashPoint, token: Path) -> Ports:
    """The same ports, one of them deadly."""
    rigged: dict[str, Any] = {point.port: Rigged(getattr(ports, point.port), point, token)}
    return replace(ports, **rigged)


class Rigged:
    """Stands before a port and passes everything on, as long as it lives."""

    def __init__(self, port: object, point: CrashPoint, token: Path) -> None:
        self._port = port
        self._point = point
        self._token = token
        self._passings = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        attribute = getattr(self._port, name)
        return self._deadly(attribute) if name == self._point.method else attribute

    def _deadly(self, method: Method) -> Method:
        async def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as the port has it
            with self._passing(arguments):
                return await method(*arguments, **named)

        def call_at_once(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as the port has it
            with self._passing(arguments):
                return method(*arguments, **named)

        return call if inspect.iscoroutinefunction(method) else call_at_once

    @contextmanager
    def _passing(self, arguments: tuple[Any, ...]) -> Iterator[None]:
        ends = self._ends_at(arguments)
        if ends and not self._point.is_after:
            self._end()
        yield
        if ends:
            self._end()

    def _ends_at(self, arguments: tuple[Any, ...]) -> bool:
        if self._point.text is not None:
            return self._point.text in repr(arguments)
        self._passings += 1
        return self._passings >= self._point.passing

    def _end(self) -> None:
        if self._point.text is None and not _taken(self._token):
            return
        os.kill(os.getpid(), signal.SIGKILL)


def _taken(token: Path) -> bool:
    """Whether the token is this process's: of all that pass at the same time, one makes the file."""
    try:
        token.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
