"""Whom the servers run as, and which folders that account can enter."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from adapters.local.errors import LocalStoreError


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine, and whether we must drop root to become it."""

    uid: int
    gid: int
    dropped: bool


def server_account() -> Account:
    """The account servers run under: our own, or `nobody` when we are root, whom Postgres refuses."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), dropped=False)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise LocalStoreError(
            "Postgres does not run as root and this machine has no user `nobody`: start as an ordinary user"
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid, dropped=True)


def can_enter(folder: Path, account: Account) -> bool:
    """Whether `account` may search `folder` and every folder above it."""
    return all(_may_search(each, account) for each in (folder, *folder.parents))


def _may_search(folder: Path, account: Account) -> bool:
    seen = folder.stat()
    if seen.st_uid == account.uid:
        return bool(seen.st_mode & stat.S_IXUSR)
    if seen.st_gid == account.gid:
        return bool(seen.st_mode & stat.S_IXGRP)
    return bool(seen.st_mode & stat.S_IXOTH)
