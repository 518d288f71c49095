"""``/users/{user_id}/phone_numbers/{phone_number_id}/queue``: what waits there, and what is being answered."""

from __future__ import annotations

from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from application.app import Application
from domain.users import Caller


class QueueView(msgspec.Struct):
    """A phone number's queue.

    `depth` conversations wait in the queue, the oldest for `oldest_seconds` (null when none does), and `in_flight` are
    being answered, `locked` of them under a worker's lock. `pending` messages wait for an answer, queued or not.
    Workers waited `lock_waits` times for each other's locks, for `lock_wait_seconds` in all.
    """

    depth: int
    in_flight: int
    pending: int
    oldest_seconds: float | None
    locked: int
    lock_waits: int
    lock_wait_seconds: float


@get("/users/{user_id:uuid}/phone_numbers/{phone_number_id:uuid}/queue")
async def show_queue(
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    user_id: FromPath[UUID],
    phone_number_id: FromPath[UUID],
) -> QueueView:
    """Show how the queue of a phone number stands."""
    report = await application.read_queue(caller, user_id, phone_number_id)
    state = report.state
    return QueueView(
        state.waiting,
        state.in_flight,
        report.pending,
        state.oldest_seconds,
        state.locked,
        state.lock_waits,
        state.lock_wait_seconds,
    )


routes = [show_queue]
