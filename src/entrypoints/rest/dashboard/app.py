"""All pages of the console on one screen."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from application.app import Application
from entrypoints.rest.dashboard import (
    agents,
    alerts,
    conversations,
    leads,
    messages,
    overview,
    phone,
    phone_numbers,
    signing_in,
    static,
)
from entrypoints.rest.dashboard import credits as credits_
from entrypoints.rest.dashboard.errors import PAGE_EXCEPTION_HANDLERS
from entrypoints.rest.dashboard.sessions import create_session_guard, form_of, signed_in_of
from entrypoints.rest.dashboard.simulation import Simulation

SIGNED_IN = (overview, conversations, leads, messages, agents, phone_numbers, credits_, alerts)


def create_dashboard(application: Application, simulation: Simulation | None = None) -> Router:
    """The console. Only with a simulation is there a page to play the customer on."""
    rooms = [*SIGNED_IN, *([phone] if simulation else [])]
    signed_in = Router(
        "/",
        route_handlers=[route for room in rooms for route in room.routes],
        guards=[create_session_guard(application)],
        dependencies={
            "signed_in": Provide(signed_in_of, sync_to_thread=False),
            "form": Provide(form_of),
            "simulation": Provide(lambda: simulation, sync_to_thread=False),
        },
    )
    return Router(
        "/dashboard",
        route_handlers=[signed_in, *signing_in.routes, *static.routes],
        exception_handlers=PAGE_EXCEPTION_HANDLERS,
        include_in_schema=False,
        opt={"has_simulation": simulation is not None},
    )
