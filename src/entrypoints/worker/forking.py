"""Children that are copies of their parent: everything is imported already, so they start in a moment."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from entrypoints.stores import bound_to_launcher

HEARD = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD})
"""What the parent has handlers for. They are not the child's, who must not hear a signal before it has its own."""


def forked(run: Callable[[], int]) -> int:
    """Start a child that runs `run` and ends with its code; its process id. It is told to stop when we end.

    Only for a parent with one thread and no connection: of both a copy would be useless and harmful.
    """
    bind = bound_to_launcher(signal.SIGTERM)
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    try:
        child = os.fork()
        if child == 0:
            _be_the_child(run, bind, before)
        return child
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _be_the_child(run: Callable[[], int], bind: Callable[[], None] | None, mask: set[int | signal.Signals]) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in HEARD:
            # To be rolled is the parent's business; nobody is to end of it in the middle of a turn.
            signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
        if bind is not None:
            bind()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        code = run()
    except SystemExit as end:
        code = _told(end)
    except BaseException:  # noqa: BLE001 - nothing of the child may run on in the parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _told(end: SystemExit) -> int:
    """The code of an orderly end, once its reason is said, as the interpreter would."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    sys.stderr.write(f"{end.code}\n")
    return 1
