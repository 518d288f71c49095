"""Waiting for something that sends no signal."""

import time
from collections.abc import Callable


def until(happened: Callable[[], object], seconds: float = 20, seen: Callable[[], str] = str) -> None:
    """Return as soon as `happened()` is true; fail with what was `seen` when it does not become so.

    What takes long is looked at less often: looking takes time from whoever is to do it.
    """
    began = time.monotonic()
    while not happened():
        waited = time.monotonic() - began
        assert waited < seconds, f"it did not happen in time {seen()}"
        time.sleep(min(max(0.01, waited / 20), 0.1))
