"""Waiting for something that sends no signal."""

import time
from collections.abc import Callable


def until(happened: Callable[[], object], seconds: float = 20) -> None:
    """Return as soon as `happened()` is true; fail when it does not become so."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
