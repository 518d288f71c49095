"""Is everything there?"""

from __future__ import annotations

from typing import Protocol


class Probe(Protocol):
    """Asks one dependency whether it answers."""

    @property
    def name(self) -> str:
        """The dependency's name, for instance ``postgres``."""
        ...

    async def check(self) -> None:
        """Return when it answers. Raises Unavailable with the reason otherwise, within a second or two."""
        ...
