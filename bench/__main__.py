"""`python -m bench`: start a house, put the questions to it, print the table."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import time
from pathlib import Path

import uvloop

from bench import house
from bench.meters import Meters
from bench.report import Result, table
from bench.scenarios import Bench, Scale

NAMES = ("idle", "start", "credits", "throughput", "offered", "leads", "lists", "exports")
"""Idleness is measured before any load: Postgres clears up for a while after it, and counts commits late."""
LOADED = ("throughput", "offered")
DEFAULT = Scale(messages=1_500, rounds=3, in_flight=128, offered_seconds=30, idle_seconds=10, exported_rows=1_000_000)
QUICK = Scale(messages=300, rounds=1, in_flight=128, offered_seconds=3, idle_seconds=3, exported_rows=20_000)


def main() -> int:
    """Measure; 1 when something was lost or came twice."""
    chosen = _arguments()
    scale = _scale(chosen)
    results: list[Result] = []
    try:
        with house.started() as running:
            results = uvloop.run(_measure(running, chosen, scale))
    except house.HouseFailed as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    if chosen.json:
        chosen.json.write_text(json.dumps([_plain(result) for result in results], indent=2))
    return int(any(getattr(each, "lost", 0) or getattr(each, "doubled", 0) for each in results))


async def _measure(running: house.House, chosen: argparse.Namespace, scale: Scale) -> list[Result]:
    running.top_up()
    running.turn_knobs("meta", statuses=chosen.statuses)
    meters = Meters(running)
    print(_heading(chosen, scale, meters), end="\n\n", flush=True)
    bench = Bench(running, meters, scale)
    results: list[Result] = []
    for name in sorted(chosen.only or NAMES, key=NAMES.index):
        if name in LOADED:
            await bench.warm_up()
        found = await getattr(bench, name)()
        found = found if isinstance(found, list) else [found]
        print(table(found), end="\n\n", flush=True)
        results += found
    meters.close()
    return results


def _heading(chosen: argparse.Namespace, scale: Scale, meters: Meters) -> str:
    return (
        f"{os.cpu_count()} cores shared with everything, load {os.getloadavg()[0]:.1f} before; "
        f"Python {platform.python_version()}, Postgres {meters.postgres_version()}; {scale.messages} messages, "
        f"{scale.in_flight} webhooks in flight, median of {scale.rounds}; "
        f"status webhooks: {', '.join(chosen.statuses) or 'none'}; {time.strftime('%Y-%m-%d %H:%M')}"
    )


def _scale(chosen: argparse.Namespace) -> Scale:
    scale = QUICK if chosen.quick else DEFAULT
    given = {name: getattr(chosen, name) for name in ("messages", "rounds", "in_flight") if getattr(chosen, name)}
    return dataclasses.replace(scale, **given)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Frontdesk against its simulators.")
    parser.add_argument("--quick", action="store_true", help="half a minute: see that it works, trust no figure")
    parser.add_argument("--messages", type=int, help="messages in each round of throughput")
    parser.add_argument("--rounds", type=int, help="rounds of throughput; the median is shown")
    parser.add_argument("--in-flight", type=int, help="webhooks in flight in throughput")
    parser.add_argument("--only", action="append", choices=NAMES, help="this one alone; may be given again")
    parser.add_argument(
        "--statuses", nargs="*", default=[], metavar="STATUS", help="Meta's webhooks after a send: sent delivered read"
    )
    parser.add_argument("--json", type=Path, help="write the results here too")
    return parser.parse_args()


def _plain(result: Result) -> dict[str, object]:
    return {"scenario": type(result).__name__, **dataclasses.asdict(result)}


if __name__ == "__main__":
    sys.exit(main())
