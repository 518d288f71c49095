"""What goes wrong, how often, and for how long: drawn from the seed, so that each run is harsh in its own way."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

LEASE_SECONDS = 30.0
CALM = 1 << 60
"""So many steps without harm: for good."""


@dataclass(slots=True)
class Harm:
    """Chances in one run. After `end` nothing goes wrong any more, and everything has to come to rest."""

    random: Random
    is_over: bool = False
    store_down: float = 0.0
    queue_down: float = 0.0
    model: float = 0.0
    platform: float = 0.0
    steps_between: float = field(init=False)

    def __post_init__(self) -> None:
        draw = self.random
        self.store_down = draw.choice((0.0, 0.0, 0.02, 0.05))
        self.queue_down = draw.choice((0.0, 0.0, 0.03))
        self.model = draw.choice((0.0, 0.3, 0.6))
        self.platform = draw.choice((0.0, 0.3, 0.6))
        self.steps_between = draw.choice((20.0, 50.0, 120.0))

    def happens(self, chance: float) -> bool:
        """Whether something goes wrong now."""
        return not self.is_over and chance > 0.0 and self.random.random() < chance

    def steps_until_next(self) -> int:
        """How many steps the world is left alone."""
        return CALM if self.is_over else 1 + int(self.random.expovariate(1 / self.steps_between))

    def end(self) -> None:
        """From now on all is well."""
        self.is_over = True
