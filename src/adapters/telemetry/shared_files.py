"""Metrics of all processes of one machine, in files that each of them maps into its memory.

Every process writes files of its own, whatever forked it, and any of them can read all. What the dead have counted
stays: at the next reading it is added to files that belong to nobody. What they held (gauges) goes with them.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from adapters.telemetry.collected import registry_of

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
NOBODY = "ended"
LOCK = "lock"
STATE, STARTED = 0, 19
"""Places in /proc/…/stat behind the name (proc(5): fields 3 and 22)."""


class CannotMeasure(OSError):
    """The folder for metrics cannot be used. The message is one line that names it."""


def use_shared_files(folder: Path) -> None:
    """From now on every metric that is made counts into files in that folder. Raises CannotMeasure."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOCK).touch()
    except OSError as error:
        raise CannotMeasure(f"{FOLDER} cannot be used: {folder}: {error.strerror}") from None
    os.environ[FOLDER] = str(folder.absolute())
    values.ValueClass = values.MultiProcessValue(_Identity())  # type: ignore[no-untyped-call]


def all_processes(folder: Path) -> CollectorRegistry:
    """A registry that tells what all processes have counted, the dead included."""
    with _alone(folder):
        _bury(folder)
        # One that is just being made is empty for a moment, and cannot be read.
        files = [str(file) for file in folder.glob("*.db") if file.stat().st_size]
        return registry_of(MultiProcessCollector.merge(files))  # type: ignore[no-untyped-call]


class _Identity:
    """Which process this is: its id, and when it started, since ids are given again.

    Asked with each count, so it does not ask the kernel each time: a fork tells it.
    """

    def __init__(self) -> None:
        self._learn()
        os.register_at_fork(after_in_child=self._learn)

    def __call__(self) -> str:
        return self._name

    def _learn(self) -> None:
        process_id = os.getpid()
        self._name = f"{process_id}.{_started(process_id) or '0'}"


def _started(process_id: int) -> str | None:
    """The kernel's word for when a living process started; None for one that has ended."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[STATE] in {"Z", "X"} else fields[STARTED]


def _is_dead(name: str) -> bool:
    process_id, _, started = name.partition(".")
    if not process_id.isdecimal():
        return False
    if sys.platform != "linux":
        return not _answers(int(process_id))
    return _started(int(process_id)) != started


def _answers(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _bury(folder: Path) -> None:
    """Add what the dead have counted to what belongs to nobody, and take away what they held."""
    for file in sorted(folder.glob("*.db")):
        kind, _, rest = file.stem.partition("_")
        if kind == "gauge":
            if _is_dead(rest.rpartition("_")[2]):
                file.unlink(missing_ok=True)
        elif _is_dead(rest):
            _hand_down(file, folder / f"{kind}_{NOBODY}.db")


def _hand_down(file: Path, heir: Path) -> None:
    """Add all values of a file to another one. A death in the middle loses some of them and counts none twice."""
    if file.stat().st_size == 0:  # it died while it made the file
        file.unlink()
        return
    taken = file.with_suffix(".taken")
    file.rename(taken)
    kept = MmapedDict(str(heir))  # type: ignore[no-untyped-call]
    for key, value, _, _ in MmapedDict.read_all_values_from_file(str(taken)):  # type: ignore[no-untyped-call]
        before, _ = kept.read_value(key)  # type: ignore[no-untyped-call]
        kept.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
    kept.close()  # type: ignore[no-untyped-call]
    taken.unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / LOCK).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
