"""What a stretch of work cost: CPU by kind of process, transactions of Postgres, commands of Redis."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg
import redis

from bench.house import House

KINDS = {
    "serve rest": "REST",
    "worker": "worker",
    "scheduler": "scheduler",
    "serve grpc": "gRPC",
    "simulate": "simulators",
}
"""The words after `entrypoints.cli.main`, and what the table calls such a process."""
SENT_BY_CLIENTS = {
    "eval", "evalsha", "blpop", "publish", "subscribe", "unsubscribe", "ping", "hello", "auth", "client|setinfo",
    "script|load", "select",
}  # fmt: skip
"""The commands that reach Redis over a socket here; all others run inside scripts.

Those of a context that no claim brought along are missing: one for each phone number that was quiet for minutes.
"""
OPEN_WORK = """
select (select count(*) from turns where status = 'open')
    + (select count(*) from messages where status = 'received' and turn_id is null)
"""
EVERY_ROW = "-c role=frontdesk_house"
COUNTERS = """
select pg_snapshot_xmax(pg_current_snapshot())::text::bigint, xact_commit
from pg_stat_database where datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters at one moment, or their growth between two.

    `writes` are transactions that changed something, exact; `commits` are all of them, as pg_stat_database tells:
    each connection reports there once a second at most, so the last second may be missing.
    """

    cpu_seconds: dict[str, float]
    writes: int
    commits: int
    commands: int
    commands_of_clients: int

    def since(self, before: Reading) -> Reading:
        """How much everything has grown."""
        cpu = {kind: seconds - before.cpu_seconds.get(kind, 0.0) for kind, seconds in self.cpu_seconds.items()}
        return Reading(
            cpu,
            self.writes - before.writes,
            self.commits - before.commits,
            self.commands - before.commands,
            self.commands_of_clients - before.commands_of_clients,
        )


class Meters:
    """The meters of one house. What they ask for themselves is taken off again."""

    def __init__(self, house: House) -> None:
        self._house = psutil.Process(house.pid)
        self._postgres = psycopg.connect(house.ready["database_url"], autocommit=True, options=EVERY_ROW)
        self._redis = redis.Redis.from_url(house.ready["redis_url"])
        self._asked_postgres = 0

    def read(self) -> Reading:
        """All counters now."""
        writes, commits = self._ask(COUNTERS)
        calls = self._redis_calls()
        return Reading(
            cpu_seconds=self._cpu_seconds(),
            writes=writes,
            commits=commits - self._asked_postgres,
            commands=sum(calls.values()),
            commands_of_clients=sum(count for name, count in calls.items() if name in SENT_BY_CLIENTS),
        )

    def open_work(self) -> int:
        """How many messages or turns are not at their end."""
        return int(self._ask(OPEN_WORK)[0])

    def rss_mib(self, kind: str) -> list[float]:
        """Resident memory of each process of that kind."""
        return [process.memory_info().rss / 2**20 for process in self.processes(kind)]

    def processes(self, kind: str) -> list[psutil.Process]:
        """The processes of that kind."""
        return [process for process in self._house.children(recursive=True) if _kind(process.cmdline()) == kind]

    def postgres_version(self) -> str:
        """The server's version."""
        return str(self._ask("show server_version")[0])

    def close(self) -> None:
        """Close the meters' own connections."""
        self._postgres.close()
        self._redis.close()

    def _ask(self, statement: Any) -> Any:
        self._asked_postgres += 1
        return self._postgres.execute(statement).fetchone()

    def _redis_calls(self) -> Counter[str]:
        """How often each command ran; INFO is ours alone."""
        found: Any = self._redis.info("commandstats")
        calls = Counter({name.removeprefix("cmdstat_"): stat["calls"] for name, stat in found.items()})
        del calls["info"]
        return calls

    def _cpu_seconds(self) -> dict[str, float]:
        """By kind of process. A server's own children count as it does, the ones that have ended too."""
        seconds: defaultdict[str, float] = defaultdict(float)
        for process in self._house.children():
            kind = _kind(process.cmdline())
            for each in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = each.cpu_times()
                    seconds[kind] += times.user + times.system + times.children_user + times.children_system
        return seconds


def _kind(command: list[str]) -> str:
    words = " ".join(command[3:5])
    for beginning, kind in KINDS.items():
        if command[1:3] == ["-m", "entrypoints.cli.main"] and words.startswith(beginning):
            return kind
    return "Postgres" if "postgres" in "".join(command[:1]) else "Valkey"
