"""`frontdesk worker`: a supervisor that imports everything once, and the workers that it forks.

One thread, no event loop, no connections: a fork copies what is there, and those would be copied broken.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from uuid import UUID

from domain.scaling import Bounds
from entrypoints.container import end_leases_of_the_dead, forget_workers, load_what_workers_need
from entrypoints.memory import keep_what_is_loaded, loading
from entrypoints.place import is_gone, this_host
from entrypoints.settings import Settings, load_settings
from entrypoints.worker.autoscaler import Autoscaler
from entrypoints.worker.child import WorkerChild, WorkersFailed
from entrypoints.worker.crew import Crew, Health
from entrypoints.worker.gauge import gauge_process
from entrypoints.worker.health import health_process
from entrypoints.worker.main import broker, run_worker
from entrypoints.worker.supervisor import Supervisor
from entrypoints.worker.undertaker import Undertaker


def worker_process(processes: int | None) -> int:
    """Keep so many workers at work, without a number as many as are needed, until SIGTERM or SIGINT; the exit code."""
    settings = load_settings(os.environ)
    with loading():
        load_what_workers_need()
    keep_what_is_loaded()
    bounds = _bounds(settings) if processes is None else Bounds(processes, processes)
    try:
        _supervisor(settings, bounds).run()
    except WorkersFailed as error:
        if str(error):
            sys.stderr.write(f"frontdesk worker: {error}\n")
        return 1
    return 0


def _bounds(settings: Settings) -> Bounds:
    return Bounds(settings.workers_min, settings.workers_max or max(settings.workers_min, os.cpu_count() or 1))


def _supervisor(settings: Settings, bounds: Bounds) -> Supervisor:
    """With a gauge where there is something to decide, and a door where somebody wants to know of the workers."""
    health = Health(settings.worker_silent_seconds_max, settings.worker_memory_mib_max)
    crew = Crew(_work, bounds.workers_min, health)
    undertaker = Undertaker(lambda dead: _bury(settings, dead), settings.lease_seconds)
    companions = [] if settings.worker_health_port is None else [WorkerChild(health_process)]
    if bounds.workers_min == bounds.workers_max:
        return Supervisor(crew, undertaker, companions)
    gauge = WorkerChild(gauge_process)
    return Supervisor(crew, undertaker, [*companions, gauge], Autoscaler(gauge, bounds))


def _work() -> int:
    run_worker(broker)
    return 0


def _bury(settings: Settings, known: Collection[UUID]) -> bool:
    """End the leases of the dead, in Postgres first: what Redis hands out must be free by then."""
    dead = end_leases_of_the_dead(settings.database_url.get_secret_value(), known, this_host(), is_gone)
    return dead is not None and forget_workers(settings.redis_url.get_secret_value(), dead)
