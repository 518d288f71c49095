"""What an answer tells of its caller's rate limit, in its headers."""

from __future__ import annotations

from litestar.types import Message, Scope

from application.admission import Admission
from entrypoints.rate_limits import limit_fields

_KEY = "admission"


def tell_limits_of(scope: Scope, admission: Admission) -> None:
    """Whatever this request is answered will say how much its key has left."""
    scope.setdefault("state", {})[_KEY] = admission


async def add_rate_limit_headers(message: Message, scope: Scope) -> None:
    """Litestar's hook on everything that is sent."""
    admission: Admission | None = scope.get("state", {}).get(_KEY)
    if message["type"] == "http.response.start" and admission:
        fields = [(name.encode(), value.encode()) for name, value in limit_fields(admission)]
        message["headers"] = [*message["headers"], *fields]
