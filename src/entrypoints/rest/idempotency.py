"""The header of requests that create or spend, and what makes two of them the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import MediaType, Request, Response
from litestar.di import NamedDependency
from litestar.params import HeaderParameter
from litestar.serialization import encode_json

from application.app import Application
from application.ports.answers import AnsweredBefore, Once
from domain.users import Caller

Result = TypeVar("Result")

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="1 to 255 visible ASCII characters. With the same key the same request acts once, however often it "
        "comes, and is answered as it was the first time (409 while that is under way); another request is refused "
        "(422). Answers are kept for 30 days.",
    ),
]


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that may come again: its own key for that, if it has one."""

    application: Application
    caller: Caller
    key: str | None
    request: Request[Any, Any, Any]
    body: bytes

    def once(self, view: Callable[[Result], msgspec.Struct]) -> Once[Result] | None:
        """What the use case takes, whose result is answered with that view. Raises InvalidInput for a wrong key."""
        return self.application.once(self.caller, self.key, self._asked(), lambda result: encode_json(view(result)))

    def _asked(self) -> bytes:
        """Method, route, its ids and the body: not as they were spelled but as they were read."""
        scope = self.request.scope
        ids = {name: str(value) for name, value in scope["path_params"].items()}
        body = msgspec.json.decode(self.body) if self.body else None
        return msgspec.json.encode(["rest", scope["method"], scope["path_template"], ids, body], order="deterministic")


async def repeatable(
    request: Request[Any, Any, Any],
    application: NamedDependency[Application],
    caller: NamedDependency[Caller],
    idempotency_key: IdempotencyKey = None,
) -> Repeatable:
    """The request, as the routes that create or spend need it."""
    return Repeatable(application, caller, idempotency_key, request, await request.body())


def render_first_answer(request: Request[Any, Any, Any], before: AnsweredBefore) -> Response[bytes]:
    """What was answered the first time, byte for byte; the route says with which status."""
    status = request.route_handler.status_code
    return Response(before.answer, status_code=status, media_type=MediaType.JSON)
