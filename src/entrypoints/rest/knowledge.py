"""What each route knows: the parameters of its query, and the methods of its path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Litestar, Request
from litestar.handlers import BaseRouteHandler
from litestar.typing import FieldDefinition

_KEY = "routes_known"


@dataclass(frozen=True, slots=True)
class Known:
    """Of one route: what may stand in its query, and what may be done at its path.

    `wordless` are the parameters that take no free text: the decoder would read the word null as none given. `times`
    are moments: it would read a number as seconds.
    """

    parameters: frozenset[str]
    wordless: frozenset[str]
    times: frozenset[str]
    methods: frozenset[str]


def known_of(request: Request[Any, Any, Any]) -> Known:
    """What the route of this request knows; read off the routes once, with the first request."""
    table: dict[object, Known] = request.app.state.setdefault(_KEY, {})
    if not table:
        table |= _table_of(request.app)
    return table[request.route_handler]


def _table_of(app: Litestar) -> dict[object, Known]:
    return {
        handler: _known(
            handler, {one.field_alias: one.field_name for one in taken.expected_query_params}, route.methods
        )
        for route in app.routes
        for handler, taken in getattr(route, "route_handler_map", {}).values()
    }


def _known(handler: BaseRouteHandler, parameters: Mapping[str, str], methods: Iterable[str]) -> Known:
    fields = {alias: _field(handler, name) for alias, name in parameters.items()}
    optional = {alias: field.args for alias, field in fields.items() if field is not None and field.is_optional}
    return Known(
        parameters=frozenset(parameters),
        wordless=frozenset(alias for alias, types in optional.items() if str not in types),
        times=frozenset(alias for alias, types in optional.items() if datetime in types),
        methods=frozenset(methods),
    )


def _field(handler: BaseRouteHandler, name: str) -> FieldDefinition | None:
    """What the handler, or what it is given by others, says of the parameter."""
    signatures = [handler.parsed_fn_signature]
    signatures += [one.parsed_fn_signature for one in handler.resolve_dependencies().values()]
    return next((signature.parameters[name] for signature in signatures if name in signature.parameters), None)
