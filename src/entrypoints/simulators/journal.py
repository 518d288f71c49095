"""The journal: one JSON line for each request that mattered, in memory and, if asked for, in a file."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

from entrypoints.simulators.faults import Milliseconds

_encode = msgspec.json.Encoder().encode


class JournalQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Records after a number, of a kind, containing a text; `wait_ms`: wait until there are any."""

    after: int = 0
    kind: str | None = None
    contains: str = ""
    limit: Annotated[int, Meta(ge=1)] = 10_000
    wait_ms: Milliseconds = 0


class Line(NamedTuple):
    """A record as it is kept: encoded at once, which takes a third of the memory of a dictionary."""

    number: int
    kind: str
    encoded: bytes


class Journal:
    """Keeps the newest `records_max` records; the file, if there is one, keeps all."""

    def __init__(self, path: Path | None, records_max: int) -> None:
        """Open the file for appending. Raises OSError if it cannot be written."""
        self._lines: deque[Line] = deque(maxlen=records_max)
        self._last_number = 0
        # Unbuffered, without fsync: a line survives a killed simulator, though not a killed machine.
        self._file: FileIO | None = FileIO(path, "ab") if path else None
        self._grown = asyncio.Event()

    def write(self, kind: str, **facts: object) -> None:
        """Add a record; `number` and `time` (Unix seconds) are filled in."""
        self._last_number += 1
        record = {"number": self._last_number, "time": time.time(), "kind": kind, **facts}
        line = Line(self._last_number, kind, _encode(record))
        self._lines.append(line)
        if self._file:
            self._file.write(line.encoded + b"\n")
        self._grown.set()

    def read(self, query: JournalQuery) -> bytes:
        """What the query asks for, as the JSON text of `{"records": […], "last": number}`."""
        chosen = self._chosen(query, query.limit)
        last = chosen[-1].number if len(chosen) == query.limit else self._last_number
        return b'{"records":[%b],"last":%d}' % (b",".join(line.encoded for line in chosen), last)

    async def wait(self, query: JournalQuery) -> None:
        """Return once there is something to read or the query's time is over."""
        deadline = time.monotonic() + query.wait_ms / 1000
        while (left := deadline - time.monotonic()) > 0 and not self._chosen(query, 1):
            self._grown.clear()
            try:
                await asyncio.wait_for(self._grown.wait(), left)
            except TimeoutError:
                return

    def clear(self) -> None:
        """Forget what is in memory; numbers go on and the file stays as it is."""
        self._lines.clear()

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    def _chosen(self, query: JournalQuery, limit: int) -> list[Line]:
        contained = query.contains.encode()
        fitting = (
            line for line in self._from(query.after) if query.kind in {None, line.kind} and contained in line.encoded
        )
        return list(islice(fitting, limit))

    def _from(self, after: int) -> Iterator[Line]:
        skipped = max(0, after - self._lines[0].number + 1) if self._lines else 0
        # Backwards from the end when that is nearer: pollers ask for the newest few of very many.
        if skipped * 2 > len(self._lines):
            newest = [self._lines[index] for index in range(-1, skipped - len(self._lines) - 1, -1)]
            return reversed(newest)
        return (line for line in self._lines if line.number > after)
