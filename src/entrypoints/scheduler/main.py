"""The scheduler process. Two of them do no harm: every chore claims its work in Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial

import structlog

from application.alert_telling import TellOfAlerts
from application.app import Application
from application.erasing import BATCH
from domain.shared import Unavailable
from entrypoints.health_door import create_health_app, health_door
from entrypoints.process import run_process
from entrypoints.readiness import announce_ready
from entrypoints.settings import Settings

log = structlog.get_logger()

SWEEP_SECONDS = 1.0
REFRESH_SECONDS = 3_600.0
ERASE_SECONDS = 5.0
FORGET_SECONDS = 600.0
TELL_SECONDS = 2.0
MODELS_SECONDS = 300.0


def scheduler_process(environment: Mapping[str, str]) -> int:
    """Do the chores until SIGTERM; the exit code."""
    return run_process(environment, "scheduler", _do_chores)


async def _do_chores(application: Application, settings: Settings, stop: asyncio.Event) -> None:
    async with _own_door(application, settings):
        announce_ready()
        await run_scheduler(application, stop)


def _own_door(application: Application, settings: Settings) -> AbstractAsyncContextManager[None]:
    """Where it tells how it is. Within the process: when the event loop hangs, nobody answers, which tells as much."""
    port = settings.scheduler_health_port
    if port is None:
        return nullcontext()
    app = create_health_app(application, "chores", application.check_chores)
    return health_door("The scheduler's health", settings.scheduler_health_host, port, app)


async def run_scheduler(application: Application, stop: asyncio.Event) -> None:
    """Sweep and look around every SWEEP_SECONDS until `stop` is set; files, tokens, leads, erasures, telling go beside.

    These have tasks of their own: a platform that is slow to answer or much to clear away must not hold the sweeper up.
    """
    async with asyncio.TaskGroup() as chores:
        chores.create_task(_every(SWEEP_SECONDS, lambda: _look_around(application), stop))
        chores.create_task(_every(SWEEP_SECONDS, lambda: _schedule_extractions(application), stop))
        chores.create_task(_every(REFRESH_SECONDS, lambda: _refresh_tokens(application, stop), stop))
        chores.create_task(_every(FORGET_SECONDS, lambda: _forget_answers(application, stop), stop))
        chores.create_task(_every(MODELS_SECONDS, lambda: _watch_models(application), stop))
        telling = [
            chores.create_task(_every(TELL_SECONDS, partial(_tell_of_alerts, tell), stop))
            for tell in application.tell_of_alerts
        ]
        files = chores.create_task(_every(SWEEP_SECONDS, lambda: _see_to_files(application), stop))
        erasing = chores.create_task(_every(ERASE_SECONDS, lambda: _erase_at_model(application), stop))
        await stop.wait()
        for chore in telling:
            chore.cancel()  # what is being told stays claimed for a while, and is told again
        erasing.cancel()  # what is being erased stays claimed for a while, and is erased again
        files.cancel()  # what is being fetched stays claimed for a while, and is fetched again


async def _every(seconds: float, chore: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        await chore()
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            continue


async def _look_around(application: Application) -> None:
    is_swept = await _sweep(application)
    is_watched = await _watch(application)
    application.check_chores.note(is_done=is_swept and is_watched)


async def _see_to_files(application: Application) -> None:
    await _fetch_media(application)
    await _delete_media(application)


async def _refresh_tokens(application: Application, stop: asyncio.Event) -> None:
    try:
        while not stop.is_set() and await application.refresh_tokens():
            continue
    except Unavailable as error:
        log.warning("refresh_failed", reason=str(error))


async def _schedule_extractions(application: Application) -> None:
    try:
        opened = await application.schedule_extractions()
    except Unavailable as error:
        log.warning("extractions_not_scheduled", reason=str(error))
        return
    if opened:
        log.info("extractions_opened", opened=opened)


async def _forget_answers(application: Application, stop: asyncio.Event) -> None:
    try:
        while not stop.is_set() and await application.forget_answers():
            continue
    except Unavailable as error:
        log.warning("forget_failed", reason=str(error))


async def _sweep(application: Application) -> bool:
    """Whether it could be done, as for the next."""
    try:
        swept = await application.sweep()
    except Unavailable as error:
        log.warning("sweep_failed", reason=str(error))
        return False
    if swept.requeued or swept.claimed:
        application.telemetry.swept(swept.requeued, swept.claimed)
        log.info("swept", requeued=swept.requeued, claimed=swept.claimed)
    return True


async def _watch(application: Application) -> bool:
    try:
        noticed = await application.watch()
    except Unavailable as error:
        log.warning("watch_failed", reason=str(error))
        return False
    if noticed.resolved or noticed.expired:
        log.info("watched", resolved=noticed.resolved, expired=noticed.expired)
    return True


async def _watch_models(application: Application) -> None:
    try:
        await application.watch_models()
    except Unavailable as error:
        log.warning("models_not_watched", reason=str(error))


async def _tell_of_alerts(tell: TellOfAlerts) -> None:
    try:
        not_told = await tell()
    except Unavailable as error:
        log.warning("telling_failed", destination=tell.destination.value, reason=str(error))
        return
    for one in not_told:
        delivery = one.delivery
        named = {"alert_id": str(delivery.alert.id), "kind": delivery.alert.kind.value, "told": delivery.event.value}
        outcome = {"destination": delivery.destination.value, "attempts": delivery.attempts, "reason": one.reason}
        if one.is_given_up:
            log.error("alert_given_up", **named, **outcome)
        else:
            log.warning("alert_not_told", **named, **outcome)


async def _fetch_media(application: Application) -> None:
    try:
        fetched = await application.fetch_media.waiting()
    except Unavailable as error:
        log.warning("media_fetch_failed", reason=str(error))
        return
    if fetched:
        log.info("media_fetched", tried=fetched)


async def _delete_media(application: Application) -> None:
    try:
        deleted = await application.delete_media()
    except Unavailable as error:
        log.warning("media_delete_failed", reason=str(error))
        return
    if deleted:
        log.info("media_deleted", deleted=deleted)


async def _erase_at_model(application: Application) -> None:
    erased = BATCH
    while erased == BATCH:
        try:
            erased = await application.erase_at_model()
        except Unavailable as error:
            log.warning("erasing_failed", reason=str(error))
            return
        if erased:
            log.info("erased", gone=erased)
