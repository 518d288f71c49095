"""Server processes that cannot outlive their launcher.

Start them from the main thread: on Linux the kernel sends the death signal when the *thread* that forked
ends, so a server started from a pool's thread would be stopped in the middle of its work. `start` refuses to.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from adapters.local.account import Account
from adapters.local.errors import LocalStoreError
from adapters.local.ports import free_port

Child = subprocess.Popen[bytes]

_PR_SET_PDEATHSIG = 1
_TRIES = 5
_LOOK_AGAIN_SECONDS = 0.01
_TRY_AGAIN_SECONDS = 0.2
_READY_SECONDS = 60.0  # recovery after a crash takes its time
_STOP_SECONDS = 30.0


def start(command: Sequence[str], account: Account, log: Path, death_signal: signal.Signals) -> Child:
    """Start `command` as `account`, out of reach of Ctrl+C; on Linux it gets `death_signal` when we die."""
    if threading.current_thread() is not threading.main_thread():
        raise LocalStoreError("local stores must be started from the main thread: they end with their thread")
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 -- our own words
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",  # the account may be unable to enter our own folder
            env=_environment(),
            start_new_session=True,
            preexec_fn=bound_to_launcher(death_signal),  # noqa: PLW1509 -- two system calls, no locks
            user=account.uid if account.dropped else None,
            group=account.gid if account.dropped else None,
            extra_groups=[] if account.dropped else None,
        )


def start_on_free_port(
    launch: Callable[[int], Child], ready: Callable[[Child, int], bool], log: Path
) -> tuple[Child, int]:
    """Launch on a free port until the server that answers there is proved to be ours, five times at most.

    Between finding a port free and listening on it somebody else may take it: then our server ends, or the
    one that answers is a stranger. Raises `LocalStoreError` with the server's last words.
    """
    for attempt in range(_TRIES):
        time.sleep(_TRY_AGAIN_SECONDS * attempt)
        port = free_port()
        child = launch(port)
        if _proved(child, port, ready):
            return child, port
    raise LocalStoreError(f"{log.stem} did not start in {_TRIES} tries, see {log}: {last_words(log)}")


def stop(child: Child, kind: signal.Signals) -> None:
    """End a server with `kind` and wait for it; kill it only when it does not obey."""
    child.send_signal(kind)
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def last_words(log: Path) -> str:
    """The last line of a log that says what was fatal, else its last line."""
    lines = log.read_text(errors="replace").strip().splitlines() or ["nothing was logged"]
    return next((each for each in reversed(lines) if "FATAL" in each or "error:" in each), lines[-1])


def _proved(child: Child, port: int, ready: Callable[[Child, int], bool]) -> bool:
    """Wait for the server; one that is not ready in the end, or while Ctrl+C is pressed, is stopped again."""
    proved = False
    deadline = time.monotonic() + _READY_SECONDS
    try:
        while not proved and child.poll() is None and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN_SECONDS)
            proved = ready(child, port)
    finally:
        if not proved:
            stop(child, signal.SIGTERM)
    return proved


def _environment() -> dict[str, str]:
    # Our own environment holds API keys, and PG… variables that would steer the server: it gets neither.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def bound_to_launcher(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before its program, so that the kernel sends it `death_signal` when we die (Linux only)."""
    if sys.platform != "linux":
        return None
    launcher = os.getpid()
    control_process = ctypes.CDLL(None).prctl  # looked up before the fork: after it other threads' locks stay held

    def bind() -> None:
        control_process(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != launcher:  # it died before we could ask to be told
            os._exit(1)

    return bind
