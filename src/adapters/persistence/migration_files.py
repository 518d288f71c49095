"""Migrations as files: `NNNN_name.sql` in dbmate's format, `-- migrate:up` and then `-- migrate:down`."""

import hashlib
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

_NAME = re.compile(r"\d{4}_\w+\.sql")
_UP, _DOWN = (re.compile(rf"^-- migrate:{each}[^\S\n]*(.*)$", re.MULTILINE) for each in ("up", "down"))


class MigrationError(Exception):
    """The schema cannot be brought to where it should be. One line: which file, and why."""


@dataclass(frozen=True, slots=True)
class Section:
    """The statements of one direction, and where in their file they begin."""

    sql: str
    line_first: int
    in_transaction: bool


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One file. `down` is None where there is no way back."""

    name: str
    checksum: str
    up: Section
    down: Section | None

    @property
    def version(self) -> str:
        """The number that orders the files, as dbmate keeps it."""
        return self.name.partition("_")[0]


def read_migrations(directory: Path) -> list[MigrationFile]:
    """The files of `directory` in order. `MigrationError`: one is misnamed, or two bear one number."""
    files = [_read(each) for each in sorted(directory.glob("*.sql"))]
    for one, next_one in pairwise(files):
        if one.version == next_one.version:
            raise MigrationError(f"{next_one.name}: {one.name} has the same number")
    return files


def _read(path: Path) -> MigrationFile:
    if not _NAME.fullmatch(path.name):
        raise MigrationError(f"{path.name}: migrations are called NNNN_name.sql")
    text = path.read_text(encoding="utf-8")
    up, down = _UP.search(text), _DOWN.search(text)
    if not up or (down and down.start() < up.start()):
        raise MigrationError(f"{path.name}: must begin with a line `-- migrate:up`")
    end_of_up = down.start() if down else len(text)
    return MigrationFile(
        name=path.name,
        # Of the text with its line ends made alike: a checkout on Windows is no change.
        checksum=hashlib.sha256(text.encode()).hexdigest(),
        up=_section(text, up, end_of_up),
        down=_section(text, down, len(text)) if down else None,
    )


def _section(text: str, marker: re.Match[str], end: int) -> Section:
    return Section(
        sql=text[marker.end() : end],
        line_first=text.count("\n", 0, marker.end()) + 1,
        in_transaction="transaction:false" not in marker[1],
    )
