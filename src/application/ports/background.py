"""What goes on beside a turn, and must neither delay it nor outlive it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol


class Handle(Protocol):
    """Something that goes on."""

    def stop(self) -> None:
        """End it, at once and without waiting. Twice is once."""
        ...


class Background(Protocol):
    """Lets things go on beside whoever starts them."""

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Handle:
        """Let `work` go on until it returns or is stopped. What it raises is nobody's concern."""
        ...
