"""Opens the application on Dramatiq's event loop before the first message, and drains it after the last."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

import dramatiq
import structlog
from dramatiq.asyncio import get_event_loop_thread

from application.conversations.work import Work
from domain.shared import DomainError, Unavailable
from entrypoints.container import WakeUpBroker, running
from entrypoints.memory import keep_what_is_loaded
from entrypoints.place import this_place
from entrypoints.readiness import PULSE_SECONDS, process_id, tell
from entrypoints.settings import Settings
from entrypoints.worker.dispatcher import Dispatcher
from entrypoints.worker.extraction_dispatcher import ExtractionDispatcher

log = structlog.get_logger()

WARM_UP_SECONDS_MAX = 2.0


class ApplicationLifespan(dramatiq.Middleware):
    """Stands behind `AsyncIO` in the list of middleware: that one starts the loop first and stops it last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._dispatcher: Dispatcher | None = None
        self._extractions: ExtractionDispatcher | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pulse: asyncio.Task[None] | None = None

    def wake(self, phone_number_ids: list[UUID]) -> None:
        """Hand work to the event loop and return: a thread of Dramatiq's never waits for a turn."""
        if self._loop is None or self._dispatcher is None:
            raise RuntimeError("A wake-up came before the worker had booted.")
        self._loop.call_soon_threadsafe(self._dispatcher.wake, phone_number_ids)

    def wake_for_extractions(self) -> None:
        """As above, for runs of the extraction."""
        if self._loop is None or self._extractions is None:
            raise RuntimeError("A wake-up came before the worker had booted.")
        self._loop.call_soon_threadsafe(self._extractions.wake)

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        """Open everything, or end the process: Dramatiq would go on without, and fail every message."""
        thread = get_event_loop_thread()
        if thread is None:
            raise SystemExit("The worker's event loop did not start.")
        try:
            thread.run_coroutine(self._open())
        except (DomainError, OSError) as error:
            thread.stop()  # type: ignore[no-untyped-call]
            raise SystemExit(str(error)) from error

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        """Let the turns in flight end before the loop does."""
        if isinstance(broker, WakeUpBroker):
            broker.interrupt()
        thread = get_event_loop_thread()
        if thread is not None:
            thread.run_coroutine(self._close())

    async def _open(self) -> None:
        application = await self._stack.enter_async_context(running(self._settings, role="worker", asks_model=True))
        self._loop = asyncio.get_running_loop()
        lease_seconds = self._settings.lease_seconds
        self._dispatcher = Dispatcher(application.work, process_id(), lease_seconds, application.telemetry)
        await self._dispatcher.start(this_place())
        self._pulse = asyncio.create_task(_tell_pulse())
        self._extractions = ExtractionDispatcher(application.run_extractions)
        await _warm_up(application.work)
        keep_what_is_loaded()

    async def _close(self) -> None:
        draining = [one.drain() for one in (self._dispatcher, self._extractions) if one is not None]
        await asyncio.gather(*draining)
        await self._stack.aclose()
        if self._pulse is not None:
            self._pulse.cancel()


async def _warm_up(work: Work) -> None:
    """Before the first turn, but no reason not to begin."""
    try:
        async with asyncio.timeout(WARM_UP_SECONDS_MAX):
            log.info("contexts_warmed", count=await work.warm_up())
    except (Unavailable, TimeoutError) as error:
        log.warning("contexts_not_warmed", reason=str(error) or "it took too long")


async def _tell_pulse() -> None:
    """Tell the supervisor again and again that the event loop goes round: a hung one is killed and replaced."""
    while True:
        tell("alive")
        await asyncio.sleep(PULSE_SECONDS)
