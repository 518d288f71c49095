"""Which process a worker is, and whether that process is still there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from application.ports.turns import Place

PROC = Path("/proc")
SAME_SECONDS = 5.0
"""The kernel's word for when a process started wanders with the clock; an id is not used again so soon."""
STATE, STARTED = 0, 19
"""Places in /proc/…/stat behind the name (proc(5): fields 3 and 22)."""


def this_host() -> str:
    """Where ids of processes mean the same as here: this machine since it booted, in this container."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # neither is known but on Linux
        parts += [(PROC / "sys/kernel/random/boot_id").read_text().strip(), str((PROC / "self/ns/pid").readlink())]
    return "/".join(parts)


def folder_of_this_host() -> str:
    """A name for a folder that only processes with our ids use; several containers may share what it stands in."""
    return hashlib.blake2b(this_host().encode(), digest_size=8).hexdigest()


def this_place() -> Place:
    """Where this worker is."""
    return Place(this_host(), os.getpid(), _started_at(os.getpid()) or datetime.now(UTC))


def is_gone(place: Place) -> bool:
    """Whether a process of this host has ended. Another one that was given its id since is another one."""
    if sys.platform != "linux":
        return not _answers(place.process_id)
    started_at = _started_at(place.process_id)
    return started_at is None or abs(started_at - place.started_at) > timedelta(seconds=SAME_SECONDS)


def _started_at(process_id: int) -> datetime | None:
    """When a living process started, None for one that has ended, or where nobody can tell."""
    try:
        stat = (PROC / str(process_id) / "stat").read_text()
    except OSError:
        return None
    # The name in brackets may hold blanks and brackets of its own: count from the last one.
    fields = stat.rpartition(")")[2].split()
    if fields[STATE] in {"Z", "X"}:
        return None
    return _booted_at() + timedelta(seconds=int(fields[STARTED]) / os.sysconf("SC_CLK_TCK"))


def _booted_at() -> datetime:
    for line in (PROC / "stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == "btime":
            return datetime.fromtimestamp(int(value), UTC)
    raise OSError("/proc/stat does not tell when the machine booted")


def _answers(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
