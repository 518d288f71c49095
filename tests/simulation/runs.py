"""Running worlds: one seed, one world, one verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from domain.shared import DomainError
from tests.simulation.driver import Stuck
from tests.simulation.judge import violations
from tests.simulation.world import World


def verdict(seed: int, world: type[World] = World, trace: Callable[[str], None] | None = None) -> list[str]:
    """What went wrong in the run of that seed; nothing, when every promise was kept."""
    run = world(seed, trace)
    try:
        run.run()
    except Stuck:
        return ["stuck: the world does not come to rest"]
    except DomainError as error:
        return [f"refused: {error}"]
    return violations(run)


def first_finding(seeds: Iterable[int], world: type[World] = World) -> tuple[int, list[str]] | None:
    """The first seed in which a promise was broken, and how; None when all were kept."""
    for seed in seeds:
        if found := verdict(seed, world):
            return seed, found
    return None
