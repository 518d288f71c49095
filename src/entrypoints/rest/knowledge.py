"""What each route knows: the parameters of its query, and the methods of its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Litestar, Request
from litestar.handlers import BaseRouteHandler

_KEY = "routes_known"


@dataclass(frozen=True, slots=True)
class Known:
    """Of one route: what may stand in its query, and what may be done at its path.

    `wordless` are the parameters that take no free text: the decoder would read the word null as none given.
    """

    parameters: frozenset[str]
    wordless: frozenset[str]
    methods: frozenset[str]


def known_of(request: Request[Any, Any, Any]) -> Known:
    """What the route of this request knows; read off the routes once, with the first request."""
    table: dict[object, Known] = request.app.state.setdefault(_KEY, {})
    if not table:
        table |= _table_of(request.app)
    return table[request.route_handler]


def _table_of(app: Litestar) -> dict[object, Known]:
    return {
        handler: Known(
            frozenset(one.field_alias for one in taken.expected_query_params),
            frozenset(one.field_alias for one in taken.expected_query_params if _is_wordless(handler, one.field_name)),
            frozenset(route.methods),
        )
        for route in app.routes
        for handler, taken in getattr(route, "route_handler_map", {}).values()
    }


def _is_wordless(handler: BaseRouteHandler, name: str) -> bool:
    signatures = [handler.parsed_fn_signature]
    signatures += [one.parsed_fn_signature for one in handler.resolve_dependencies().values()]
    fields = [signature.parameters.get(name) for signature in signatures]
    return any(field is not None and field.is_optional and str not in field.args for field in fields)
