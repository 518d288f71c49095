"""The folder FRONTDESK_HOME: what the launcher keeps in it, and where the servers' data lie.

`passwords.json`, the logs, the records of running servers and the lock are the launcher's. The data belong to
the account that serves them and stand behind `data`: a folder, or, when that account cannot enter the home
(root drops to `nobody`, and /root is closed to it), a link to a folder of their own below /var/lib/frontdesk.
The link ties the two together: it survives restarts, moves with the home, and whoever deletes the home starts
anew. The permissions of folders above the home are never touched.
"""

import contextlib
import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from adapters.local.account import Account, can_enter, server_account
from adapters.local.errors import LocalStoreError

ELSEWHERE = Path("/var/lib/frontdesk")
_PASSWORD_BYTES = 24


class Home:
    """One FRONTDESK_HOME, made on first use. `LocalStoreError`: its data belong to somebody else."""

    def __init__(self, path: Path) -> None:
        self.account = server_account()
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(0o711 if self.account.dropped else 0o700)
        self.path = path.resolve()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other launchers of this home waiting: only one at a time may start or replace a server."""
        with (self.path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def occupied(self) -> Iterator[None]:
        """Be the one house in this home. `LocalStoreError` while another one runs; the kernel frees it of the dead."""
        with (self.path / "house").open("w") as house:
            try:
                fcntl.flock(house, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LocalStoreError(
                    f"another `frontdesk dev` runs in {self.path}: stop it, or choose another FRONTDESK_HOME"
                ) from None
            yield

    def data(self) -> Path:
        """The real folder of the servers' data, 0700 and owned by the account that serves them."""
        entry = self.path / "data"
        if not entry.is_symlink() and not entry.exists():
            self._make_data(entry)
        return self._checked(entry)

    def passwords(self) -> Mapping[str, str]:
        """One password per role, made once and kept in a file that only the launcher's user may read."""
        path = self.path / "passwords.json"
        if not path.exists():
            names = ("postgres", "owner", "app", "valkey")
            write_private(path, json.dumps({each: secrets.token_urlsafe(_PASSWORD_BYTES) for each in names}))
        return cast("Mapping[str, str]", json.loads(path.read_text()))

    def log(self, server: str) -> Path:
        """A fresh log for `server`, 0600: it may quote rows. That of the previous run is kept beside it."""
        path = self.path / f"{server}.log"
        if path.exists():
            path.replace(path.with_suffix(".log.previous"))
        path.touch(mode=0o600)
        return path

    def _make_data(self, entry: Path) -> None:
        if can_enter(self.path, self.account):
            entry.mkdir(mode=0o700)
            os.chown(entry, self.account.uid, self.account.gid)
            return
        ELSEWHERE.mkdir(parents=True, exist_ok=True)
        ELSEWHERE.chmod(0o755)
        place = Path(tempfile.mkdtemp(prefix="home-", dir=ELSEWHERE))
        os.chown(place, self.account.uid, self.account.gid)
        entry.symlink_to(place)

    def _checked(self, entry: Path) -> Path:
        place = entry.resolve()
        if not place.is_dir():
            raise LocalStoreError(f"{entry} points to {place}, which is gone: remove {entry} to begin empty")
        owner = place.stat().st_uid
        if owner != self.account.uid:
            raise LocalStoreError(
                f"{place} belongs to user {owner} and the servers would run as user {self.account.uid}: "
                "start as the user who started before, or choose another FRONTDESK_HOME"
            )
        return place


def write_private(path: Path, text: str, owner: Account | None = None) -> None:
    """Replace `path` in one step by a 0600 file with `text`, handed over to `owner` where one is given."""
    handle, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    if owner:
        os.chown(draft, owner.uid, owner.gid)
    Path(draft).replace(path)
