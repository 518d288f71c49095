"""Waiting for something that sends no signal."""

import time
from collections.abc import Callable


def until(happened: Callable[[], object], seconds: float = 20, seen: Callable[[], str] = str) -> None:
    """Return as soon as `happened()` is true; fail with what was `seen` when it does not become so."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen in time {seen()}"
        time.sleep(0.01)
