"""All routes on one screen, over one application."""

from __future__ import annotations

from litestar import Litestar, Router
from litestar.di import Provide

from application.app import Application
from application.ports.answers import AnsweredBefore
from entrypoints.rest import (
    agents,
    alerts,
    api_keys,
    conversations,
    customers,
    extractions,
    health,
    leads,
    message_events,
    messages,
    metrics,
    phone_numbers,
    prompts,
    queues,
    traces,
    users,
    web_chats,
)
from entrypoints.rest import credits as credits_
from entrypoints.rest.auth import caller_of, create_key_guard
from entrypoints.rest.bodies import StrictRequest, must_be_understood
from entrypoints.rest.dashboard.app import create_dashboard
from entrypoints.rest.dashboard.simulation import Simulation
from entrypoints.rest.description.config import create_openapi_config
from entrypoints.rest.errors import EXCEPTION_HANDLERS
from entrypoints.rest.idempotency import render_first_answer, repeatable
from entrypoints.rest.limits import BODY_BYTES_MAX
from entrypoints.rest.paging import page_request
from entrypoints.rest.rate_limits import add_rate_limit_headers
from entrypoints.rest.request_ids import add_standing_headers
from entrypoints.rest.webchat import files
from entrypoints.rest.webchat import routes as visitors
from entrypoints.rest.webchat.cors import add_page_headers
from entrypoints.rest.webchat.events import create_events_route
from entrypoints.rest.webhooks import create_webhook_route

RESOURCES = (
    users,
    api_keys,
    phone_numbers,
    queues,
    web_chats,
    prompts,
    agents,
    conversations,
    customers,
    messages,
    message_events,
    traces,
    credits_,
    extractions,
    leads,
    alerts,
)


def create_rest_app(application: Application, simulation: Simulation | None = None) -> Litestar:
    """The REST door over that application; where the providers are simulated, with a page to play the customer."""
    keyed = Router(
        "/",
        route_handlers=[route for resource in RESOURCES for route in resource.routes],
        guards=[create_key_guard(application)],
        before_request=must_be_understood,
        security=[{"bearer": []}],
    )
    browsers = Router("/", route_handlers=visitors.routes, before_request=visitors.create_page_check(application))
    watchers = Router("/", route_handlers=[*health.routes, *metrics.routes], before_request=must_be_understood)
    raw = [create_webhook_route(application), create_events_route(application)]
    return Litestar(
        route_handlers=[
            keyed,
            browsers,
            create_dashboard(application, simulation),
            *files.routes,
            watchers,
            *raw,
        ],
        dependencies={
            "application": Provide(lambda: application, sync_to_thread=False),
            "caller": Provide(caller_of, sync_to_thread=False),
            "page": Provide(page_request, sync_to_thread=False),
            "runs": Provide(extractions.runs_wanted, sync_to_thread=False),
            "repeatable": Provide(repeatable),
        },
        exception_handlers={**EXCEPTION_HANDLERS, AnsweredBefore: render_first_answer},
        before_send=[add_standing_headers, add_rate_limit_headers, add_page_headers],
        request_class=StrictRequest,
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=create_openapi_config(),
        logging_config=None,
        debug=False,
    )
