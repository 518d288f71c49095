"""A worker process: `frontdesk worker`, or `dramatiq entrypoints.worker.main`, which imports `broker` from here."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import dramatiq
import uvloop
from dramatiq.middleware import AsyncIO

from entrypoints.container import WakeUpBroker
from entrypoints.logs import configure_logs
from entrypoints.readiness import announce_ready
from entrypoints.settings import Settings, SettingsError, load_settings
from entrypoints.worker.actors import register_actors
from entrypoints.worker.lifespan import ApplicationLifespan

THREADS = 2
"""A thread only hands a wake-up over, so two are plenty."""
IDLE_MILLISECONDS = 100
"""How long an idle thread takes to notice that the worker stops. Wake-ups do not wait for it."""
STOPS = frozenset({signal.SIGTERM, signal.SIGINT})


def create_broker(settings: Settings) -> WakeUpBroker:
    """The broker with its actors, ready for a worker."""
    lifespan = ApplicationLifespan(settings)
    broker = WakeUpBroker(settings.redis_url.get_secret_value(), [AsyncIO(), lifespan])
    register_actors(broker, lifespan)
    return broker


def run_worker(broker: dramatiq.Broker) -> None:
    """Work until SIGTERM or SIGINT, then drain and return."""
    # Blocked and fetched, since one that came just before a wait for its handler began would not end that wait.
    # Here, before there are threads, which take over what is blocked.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    worker = dramatiq.Worker(broker, worker_threads=THREADS, worker_timeout=IDLE_MILLISECONDS)
    worker.start()
    announce_ready()
    signal.sigwait(STOPS)
    worker.stop()


def _create_broker_from_environment() -> WakeUpBroker:
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        sys.exit(str(error))
    configure_logs(settings.log_level, settings.log_format, process="worker")
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    broker = create_broker(settings)
    dramatiq.set_broker(broker)
    return broker


broker = _create_broker_from_environment()
