"""``/health``: for orchestrators and people. Needs no key and tells no secret."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from application.app import Application
from application.monitoring import Health


class LiveView(msgspec.Struct):
    """The process answers."""

    status: str


class DependencyView(msgspec.Struct):
    """A dependency's state: ``ok``, or ``unavailable`` with the reason."""

    status: str
    reason: str | None


class ReadyView(msgspec.Struct):
    """Whether everything that is needed answers."""

    status: str
    dependencies: dict[str, DependencyView]


class HealthView(ReadyView):
    """As ready, and what is left lying: messages whose phone number nobody has registered."""

    unclaimed_messages: int | None


ReadyT = TypeVar("ReadyT", bound=ReadyView)


@get("/health/live", sync_to_thread=False)
def show_live() -> LiveView:
    """Tell that the process answers."""
    return LiveView("ok")


@get("/health/ready")
async def show_ready(application: NamedDependency[Application]) -> Response[ReadyView]:
    """Tell whether requests can be served (200) or a dependency is missing (503)."""
    health = await application.check_health()
    return _answer(health, ReadyView(_status(health), _dependencies(health)))


@get("/health")
async def show_health(application: NamedDependency[Application]) -> Response[HealthView]:
    """Tell everything that is known of the system's health."""
    health = await application.check_health()
    return _answer(health, HealthView(_status(health), _dependencies(health), health.unclaimed_messages))


routes = [show_live, show_ready, show_health]


def _answer(health: Health, body: ReadyT) -> Response[ReadyT]:
    return Response(body, status_code=200 if health.is_ready else 503)


def _status(health: Health) -> str:
    return "ok" if health.is_ready else "unavailable"


def _dependencies(health: Health) -> dict[str, DependencyView]:
    return {
        name: DependencyView("ok" if reason is None else "unavailable", reason)
        for name, reason in health.dependencies.items()
    }
