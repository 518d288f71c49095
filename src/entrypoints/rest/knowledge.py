"""What each route knows: the parameters of its query, and the methods of its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Litestar, Request

_KEY = "routes_known"


@dataclass(frozen=True, slots=True)
class Known:
    """Of one route: what may stand in its query, and what may be done at its path."""

    parameters: frozenset[str]
    methods: frozenset[str]


def known_of(request: Request[Any, Any, Any]) -> Known:
    """What the route of this request knows; read off the routes once, with the first request."""
    table: dict[object, Known] = request.app.state.setdefault(_KEY, {})
    if not table:
        table |= _table_of(request.app)
    return table[request.route_handler]


def _table_of(app: Litestar) -> dict[object, Known]:
    return {
        handler: Known(frozenset(one.field_alias for one in taken.expected_query_params), frozenset(route.methods))
        for route in app.routes
        for handler, taken in getattr(route, "route_handler_map", {}).values()
    }
