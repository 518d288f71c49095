"""Other processes, seen from outside: who is alive, what it was started with, and who started it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from adapters.local.errors import LocalStoreError
from adapters.local.home import write_private

_LOOK_AGAIN_SECONDS = 0.01
_END_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server somebody started: its process, its port, and the process that started it (0: unknown)."""

    pid: int
    port: int
    launcher: int

    @property
    def orphaned(self) -> bool:
        """Whether the launcher we know of is gone. Such a server is dying, or was left behind (macOS)."""
        seen = look_at(self.pid)
        return bool(self.launcher and seen and seen.parent != self.launcher)

    def record(self, path: Path) -> None:
        """Leave word of this server for the next launcher."""
        write_private(path, json.dumps(asdict(self)))


@dataclass(frozen=True, slots=True)
class Seen:
    """A live process: its parent's id and its command line, arguments parted by blanks."""

    parent: int
    command: str


def recorded(path: Path) -> Running | None:
    """The server that `path` speaks of, dead or alive; None without a readable record."""
    try:
        return Running(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def look_at(pid: int) -> Seen | None:
    """The process with that id, or None when there is none or it is a zombie."""
    return _look_in_proc(pid) if sys.platform == "linux" else _ask_ps(pid)


def serves(pid: int, folder: Path) -> bool:
    """Whether the process lives and was started on `folder`: ids are used again, a number proves nothing."""
    seen = look_at(pid)
    return seen is not None and str(folder) in seen.command


def end(pid: int, kind: signal.Signals) -> None:
    """Ask a process that is not our child to end and wait until it has. `LocalStoreError`: it stays."""
    with contextlib.suppress(ProcessLookupError):  # it ended by itself: that is what we want
        os.kill(pid, kind)
    deadline = time.monotonic() + _END_SECONDS
    while look_at(pid):
        if time.monotonic() > deadline:
            raise LocalStoreError(f"process {pid} was left behind by an earlier run and does not end: kill it")
        time.sleep(_LOOK_AGAIN_SECONDS)


def _look_in_proc(pid: int) -> Seen | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in brackets may hold blanks and brackets of its own: count from the last one.
    state, parent = stat.rpartition(")")[2].split()[:2]
    return None if state == "Z" else Seen(int(parent), command.replace(b"\0", b" ").decode(errors="replace"))


def _ask_ps(pid: int) -> Seen | None:
    question = ["ps", "-ww", "-o", "stat=,ppid=,command=", "-p", str(pid)]
    answer = subprocess.run(question, capture_output=True, text=True, check=False).stdout.split(maxsplit=2)  # noqa: S603 -- fixed words and a number
    if len(answer) < 3 or answer[0].startswith("Z"):  # noqa: PLR2004 -- the three columns asked for
        return None
    return Seen(int(answer[1]), answer[2])
