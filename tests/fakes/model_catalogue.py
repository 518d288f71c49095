"""A provider whose models end when it is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from domain.shared import Unavailable


class ToldCatalogue:
    """`dates` is what it says, `asked` how often; while it `is_down` it says nothing."""

    def __init__(self) -> None:
        self.dates: dict[str, date] = {}
        self.asked = 0
        self.is_down = False

    async def shutdown_dates(self) -> Mapping[str, date]:
        self.asked += 1
        if self.is_down:
            raise Unavailable("It is down.")
        return dict(self.dates)
