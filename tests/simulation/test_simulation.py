"""The real use cases against a world that goes wrong in every way: nothing lost, twice, out of order or overcharged.

`SIMULATION_SEEDS` says how many worlds (10,000 unless told), `SIMULATION_FIRST_SEED` where to begin.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.runs import first_finding, verdict

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "10000"))
FIRST = int(os.environ.get("SIMULATION_FIRST_SEED", "0"))
PARTS = 20
"""So many tests, to be shared between workers of the test run."""


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_promise_is_broken_whatever_goes_wrong(part: int) -> None:
    found = first_finding(range(FIRST + part, FIRST + SEEDS, PARTS))
    if found:
        seed, broken = found
        replay = f"PYTHONPATH=src python -m tests.simulation --seed {seed} --trace"
        pytest.fail("\n".join([f"Seed {seed}:", *broken, f"See it again: {replay}"]))


def test_a_seed_tells_the_same_story_each_time() -> None:
    stories: list[list[str]] = [[], []]
    for story in stories:
        verdict(7, trace=story.append)
    assert len(stories[0]) > 20
    assert stories[0] == stories[1]
