"""What a process uses, as the kernel tells (proc(5)). Where nobody tells, nothing."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
USER, SYSTEM = 11, 12
"""Places in /proc/…/stat behind the name: fields 14 and 15."""
RESIDENT = 1
MIB = 2**20


def cpu_seconds(process_id: int) -> float:
    """How long it has kept a core busy since it started."""
    try:
        stat = (PROC / str(process_id) / "stat").read_text()
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[USER]) + int(fields[SYSTEM])) / os.sysconf("SC_CLK_TCK")


def resident_mib(process_id: int) -> float:
    """How much memory it occupies, in MiB, what it shares with its parent included."""
    try:
        pages = (PROC / str(process_id) / "statm").read_text().split()[RESIDENT]
    except OSError:
        return 0.0
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / MIB
