"""The results as a table for people; the JSON holds the same and more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.exports import Export
from bench.leads import Leads
from bench.lists import PER_SECOND, Lists
from bench.scenarios import Additions, Idle, Offered, Start, Throughput

OURS = ("REST", "worker", "Postgres", "Valkey", "scheduler", "gRPC")
COLUMNS = ("msg/s", "CPU ms", *OURS[:5], "sim.", "load", "commits", "writes", "Redis", "sent", "lost", "twice")
Result = Throughput | Offered | Additions | Idle | Start | Leads | Lists | Export


def table(results: list[Result]) -> str:
    """All of it, ready to be printed."""
    throughput = [result for result in results if isinstance(result, Throughput)]
    parts = [_throughput(throughput)] if throughput else []
    parts += [_LINES[type(result)](result) for result in results if not isinstance(result, Throughput)]
    return "\n\n".join(parts)


def _throughput(results: list[Throughput]) -> str:
    lines = [
        "At most: closed loop, a model that takes no time, counted to the end of the drain. For each message: CPU",
        "milliseconds (sum and by process; simulators and load generator apart), commits (and those that wrote),",
        "Redis commands (and those that clients sent; the others ran inside scripts).",
        "",
        _row("", *COLUMNS),
        *(_throughput_row(result) for result in results),
        "",
        *(f"runs, {result.name}: {', '.join(f'{run:.0f}' for run in result.runs)} msg/s" for result in results),
    ]
    return "\n".join(lines)


def _throughput_row(result: Throughput) -> str:
    figures = [f"{result.messages_per_second:.0f}", f"{ours(result.cpu_ms):.2f}"]
    figures += [f"{result.cpu_ms.get(kind, 0):.2f}" for kind in (*OURS[:5], "simulators")]
    figures += [f"{result.generator_cpu_ms:.2f}", f"{result.commits:.2f}", f"{result.writes:.2f}"]
    figures += [f"{result.commands:.1f}", f"{result.commands_of_clients:.2f}"]
    return _row(result.name, *figures, str(result.lost + result.refused), str(result.doubled))


def _offered(result: Offered) -> str:
    return "\n".join(
        [
            f"By the clock: {result.per_second} msg/s for {result.seconds:g} s, the model takes {result.model_ms} ms",
            "",
            f"  behind at the end       {result.seconds_behind:.2f} s",
            f"  webhook acknowledged    {_percentiles(result.ack_ms)}",
            f"  added to the model's    {_percentiles(result.added_ms)}",
            f"  CPU ms a message        {ours(result.cpu_ms):.2f} ({_by_kind(result.cpu_ms)})",
            f"  workers' memory         {', '.join(f'{each:.0f} MiB' for each in result.worker_rss_mib)}",
            f"  lost, twice, refused    {result.lost}, {result.doubled}, {result.refused}",
        ]
    )


def _additions(result: Additions) -> str:
    return "\n".join(
        [
            f"Additions to one user's credits, a key for each, {result.in_flight} at once:",
            "",
            f"  a second                {result.per_second:.0f} ({', '.join(f'{run:.0f}' for run in result.runs)})",
            f"  answered                {_percentiles(result.ack_ms)}",
            f"  CPU ms an addition      {ours(result.cpu_ms):.2f} ({_by_kind(result.cpu_ms)})",
            f"  lost, twice, refused    {result.lost}, {result.doubled}, {result.refused}",
        ]
    )


def _idle(result: Idle) -> str:
    return "\n".join(
        [
            "Idle, each second:",
            "",
            f"  Redis commands          {result.commands_of_clients:.1f} ({result.commands:.1f} with those in scripts)",
            f"  Postgres commits        {result.commits:.1f} ({result.writes:.1f} of them wrote)",
            f"  CPU ms                  {ours(result.cpu_ms):.1f} ({_by_kind(result.cpu_ms)})",
        ]
    )


def _start(result: Start) -> str:
    return "\n".join(
        [
            "From nothing:",
            "",
            f"  everything answers      {result.ready_seconds:.1f} s",
            f"  frontdesk say, warm     {1_000 * result.say_seconds:.0f} ms",
        ]
    )


def _leads(result: Leads) -> str:
    return "\n".join(
        [
            "Leads: conversations that go quiet at once, a model that takes no time:",
            "",
            f"  read each second        {result.per_second:.0f} ({result.read} in {result.seconds:.1f} s)",
            f"  CPU ms each             {ours(result.cpu_ms):.1f} ({_by_kind(result.cpu_ms)})",
            f"  failed                  {result.failed}",
        ]
    )


def _export(result: Export) -> str:
    return "\n".join(
        [
            f"Export of {result.rows} runs as {result.format}, {result.mib:.0f} MiB:",
            "",
            f"  first byte              {result.first_byte_seconds:.2f} s",
            f"  all of it               {result.seconds:.1f} s",
            f"  memory above idle       {result.grown_mib:.0f} MiB",
            f"  CPU seconds             {ours(result.cpu_seconds):.1f} ({_by_kind(result.cpu_seconds)})",
        ]
    )


def _lists(result: Lists) -> str:
    return "\n".join(
        [
            f"Messages by {result.door}, {result.name} of 50, {result.stored:,} stored:",
            "",
            f"  at most                 {result.per_second:.0f}/s",
            f"  at {PER_SECOND}/s by the clock   {_percentiles(result.taken_ms)}",
            f"  CPU ms a page           {ours(result.cpu_ms):.2f} ({_by_kind(result.cpu_ms)})",
            f"  refused                 {result.refused}",
        ]
    )


_LINES: dict[type, Callable[[Any], str]] = {
    Offered: _offered,
    Additions: _additions,
    Idle: _idle,
    Start: _start,
    Leads: _leads,
    Lists: _lists,
    Export: _export,
}


def ours(cpu_ms: dict[str, float]) -> float:
    """What Frontdesk and its stores cost, without what stands in for the outside world."""
    return sum(cpu_ms.get(kind, 0) for kind in OURS)


def _percentiles(milliseconds: dict[str, float]) -> str:
    return " · ".join(f"{name} {value:.1f}" for name, value in milliseconds.items()) + " ms"


def _by_kind(cpu_ms: dict[str, float]) -> str:
    return ", ".join(f"{kind} {cpu_ms.get(kind, 0):.2f}" for kind in (*OURS, "simulators"))


def _row(name: str, *cells: str) -> str:
    return f"{name:<16}" + "".join(f"{cell:>{max(8, len(cell) + 1)}}" for cell in cells)
