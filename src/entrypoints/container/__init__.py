"""The composition root: only this package meets the adapters."""

from adapters.coordination.dead_workers import forget_workers
from adapters.coordination.wake_up_broker import ACTOR, EXTRACTION_ACTOR, EXTRACTION_QUEUE, QUEUE, WakeUpBroker
from adapters.persistence.dead_workers import end_leases_of_the_dead
from entrypoints.container.opening import load_what_workers_need, opened_backlog, running

__all__ = [
    "ACTOR",
    "EXTRACTION_ACTOR",
    "EXTRACTION_QUEUE",
    "QUEUE",
    "WakeUpBroker",
    "end_leases_of_the_dead",
    "forget_workers",
    "load_what_workers_need",
    "opened_backlog",
    "running",
]
