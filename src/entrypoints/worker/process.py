"""`frontdesk worker`: a supervisor that imports everything once, and the workers that it forks.

One thread, no event loop, no connections: a fork copies what is there, and those would be copied broken.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from uuid import UUID

from entrypoints.container import end_leases_of_the_dead, forget_workers, load_what_workers_need
from entrypoints.memory import keep_what_is_loaded
from entrypoints.place import is_gone, this_host
from entrypoints.settings import Settings, load_settings
from entrypoints.worker.child import WorkerChild, WorkersFailed
from entrypoints.worker.health import health_process
from entrypoints.worker.main import broker, run_worker
from entrypoints.worker.supervisor import Supervisor
from entrypoints.worker.undertaker import Undertaker


def worker_process(processes: int) -> int:
    """Keep so many workers at work until SIGTERM or SIGINT, then let them drain; the exit code."""
    settings = load_settings(os.environ)
    load_what_workers_need()
    keep_what_is_loaded()
    undertaker = Undertaker(lambda dead: _bury(settings, dead), settings.lease_seconds)
    try:
        Supervisor(_children(settings, processes), undertaker).run()
    except WorkersFailed as error:
        if str(error):
            sys.stderr.write(f"frontdesk worker: {error}\n")
        return 1
    return 0


def _children(settings: Settings, processes: int) -> list[WorkerChild]:
    """The workers, and whoever tells of them where somebody wants to know."""
    workers = [WorkerChild(_work) for _ in range(processes)]
    return workers if settings.worker_health_port is None else [*workers, WorkerChild(health_process)]


def _work() -> int:
    run_worker(broker)
    return 0


def _bury(settings: Settings, known: Collection[UUID]) -> bool:
    """End the leases of the dead, in Postgres first: what Redis hands out must be free by then."""
    dead = end_leases_of_the_dead(settings.database_url.get_secret_value(), known, this_host(), is_gone)
    return dead is not None and forget_workers(settings.redis_url.get_secret_value(), dead)
