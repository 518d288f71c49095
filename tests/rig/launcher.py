"""A launcher of local stores in a process of its own, to be killed or left to end."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.local.account import Account, can_enter

_PROGRAM = """
import json, pathlib, sys
from adapters.local.stores import LocalStores
with LocalStores(pathlib.Path(sys.argv[1])) as urls:
    print(json.dumps([urls.database_url, urls.database_url_direct, urls.redis_url]), flush=True)
    sys.stdin.read()
"""


class Launcher:
    """A launcher whose stores are up; it ends with its standard input."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.database_url, self.database_url_direct, self.redis_url = json.loads(process.stdout.readline())

    def kill(self) -> None:
        """As `kill -9` does: without a chance to stop its servers."""
        self.process.kill()
        self.process.wait()


def start_launcher(home: Path, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start one and do not wait for its stores."""
    command = [*prefix, sys.executable, "-c", _PROGRAM, str(home)]
    environment = os.environ | {"PYTHONPATH": str(Path("src").resolve())}
    return subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment, start_new_session=True)


@contextmanager
def launched(home: Path, prefix: tuple[str, ...] = ()) -> Iterator[Launcher]:
    """A launcher with its stores up, ended in an orderly way unless it was killed."""
    with start_launcher(home, prefix) as process:
        yield Launcher(process)


def as_ordinary_user(account: Account) -> tuple[str, ...]:
    """The words before a command that make root run it as `account`; none for whoever is not root."""
    if not account.dropped:
        return ()
    words = ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    if not can_enter(Path(sys.executable).resolve().parent, account):
        # An interpreter below /root: let it be read. The account stays an ordinary one.
        words += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return tuple(words)
