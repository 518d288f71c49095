"""What a caller may take of us: so many bytes, in so much time."""

from __future__ import annotations

import asyncio

from litestar.enums import ScopeType
from litestar.exceptions import ClientException
from litestar.types import ASGIApp, HTTPReceiveMessage, Receive, Scope, Send

BODY_BYTES_MAX = 1024 * 1024
"""For every route but the webhooks."""
BODY_SECONDS_MAX = 10.0
"""For the whole body: the server itself would wait for the next byte for ever."""


class BodyTooLarge(ClientException):
    """More bytes were sent, or announced, than the route takes."""

    status_code = 413
    detail = "The body is too large."


class BodyTooSlow(ClientException):
    """The body was not complete in time."""

    status_code = 408
    detail = f"The body did not arrive within {BODY_SECONDS_MAX:g} seconds."


def with_body_deadline(app: ASGIApp, seconds_max: float = BODY_SECONDS_MAX) -> ASGIApp:
    """`app`, whose requests raise BodyTooSlow when their body is not complete `seconds_max` after they began."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + seconds_max
        is_complete = False

        async def receive_in_time() -> HTTPReceiveMessage:
            nonlocal is_complete
            if is_complete:  # what is still awaited is the end of the connection, which may take as long as it likes
                return await receive()  # type: ignore[return-value]
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlow from None
            is_complete = not message.get("more_body", False)
            return message  # type: ignore[return-value]

        await app(scope, receive_in_time, send)

    return limited
