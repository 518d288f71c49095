"""What is loaded once is not garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Collect nothing meanwhile: modules stay, and looking for garbage among them is a sixth of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def keep_what_is_loaded() -> None:
    """Tell the collector to leave alone what stands at this moment: modules, classes, the application.

    Otherwise each full collection walks through all of it again, in the middle of somebody's turn.
    """
    gc.collect()
    gc.freeze()
