"""What every measured port does, and how outcomes are called."""

from __future__ import annotations

import re
from functools import cache
from typing import Any


class Passing:
    """Passes on what is not measured."""

    def __init__(self, port: object) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        return getattr(self._port, name)


def name_of(outcome: object) -> str:
    """What an outcome is called in labels."""
    return _snake(type(outcome).__name__)


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<=.)([A-Z])", r"_\1", name).lower()
