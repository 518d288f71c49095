"""Replay one seed: ``PYTHONPATH=src python -m tests.simulation --seed 7 --trace``; or run many with ``--seeds``."""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.faults import FAULTS
from tests.simulation.runs import verdict
from tests.simulation.world import World


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from there on")
    parser.add_argument("--trace", action="store_true", help="tell every call")
    parser.add_argument("--fault", choices=sorted(FAULTS), help="plant this fault")
    given = parser.parse_args()
    world = FAULTS[given.fault] if given.fault else World
    begun, wrong = time.perf_counter(), 0
    for seed in range(given.seed, given.seed + given.seeds):
        found = verdict(seed, world, _print if given.trace else None)
        wrong += bool(found)
        for line in found:
            _print(f"seed {seed}: {line}")
    rate = given.seeds / (time.perf_counter() - begun)
    _print(f"{given.seeds} seeds, {wrong} of them with findings, {rate:.0f} a second")
    return 1 if wrong else 0


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
