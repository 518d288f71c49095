"""What happens around every call, of all four kinds: the key, the deadline, the errors, the log line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from contextvars import ContextVar
from functools import partial
from time import perf_counter
from typing import Any, TypeAlias
from urllib.parse import unquote

import grpc
import structlog
from google.protobuf.message import Message

from application.admission import CallsTooFast
from application.app import Application
from application.ports.answers import AnsweredBefore
from domain.shared import DomainError, Unauthorized
from domain.users import Caller
from entrypoints.addresses import address_behind
from entrypoints.rate_limits import limit_fields
from entrypoints.rpc.errors import rich_status_of, status_of
from entrypoints.rpc.fields import uuid_in
from entrypoints.rpc.requests import read_request

log = structlog.get_logger(__name__)

CALL_SECONDS_MAX = 60.0
"""For a unary call whose client names no deadline."""
KEYLESS_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.")

OK = status_of(grpc.StatusCode.OK, "")
CANCELLED = status_of(grpc.StatusCode.CANCELLED, "")
TOO_LATE = status_of(grpc.StatusCode.DEADLINE_EXCEEDED, "The call took too long.")
FAILED = status_of(grpc.StatusCode.INTERNAL, "Something went wrong on our side.")

caller_of_call: ContextVar[Caller] = ContextVar("caller_of_call")

# In quotes, because only the published types have parameters, not the classes.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
LogCall = Callable[[str, str, float], None]
Around = Callable[[Context], AbstractAsyncContextManager[None]]
MustExist = Callable[[object], Awaitable[None]]


def log_call(method: str, code: str, seconds: float) -> None:
    """One line for each call, without anything that was said in it."""
    log.info("rpc_call", method=method, code=code, milliseconds=round(seconds * 1000, 1))


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Runs around every call but health and reflection, which need no key and have no errors of ours."""

    def __init__(
        self, application: Application, *, on_call: LogCall = log_call, seconds_max: float = CALL_SECONDS_MAX
    ) -> None:
        self._application = application
        self._on_call = on_call
        self._seconds_max = seconds_max
        self._handlers: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The handler, wrapped. None (no such method) stays None and becomes UNIMPLEMENTED."""
        method = handler_call_details.method
        if method in self._handlers:
            return self._handlers[method]
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith(KEYLESS_SERVICES):
            return handler
        seconds_max = None if handler.response_streaming else self._seconds_max
        around = partial(self._around, method=method, seconds_max=seconds_max)
        self._handlers[method] = _wrapped(handler, around, self._user_must_exist)
        return self._handlers[method]

    @asynccontextmanager
    async def _around(self, context: Context, method: str, seconds_max: float | None) -> AsyncIterator[None]:
        began = perf_counter()
        status = CANCELLED
        seconds = context.time_remaining()
        deadline = asyncio.timeout(seconds_max if seconds is None else seconds)
        try:
            async with deadline:
                caller_of_call.set(await self._admitted(context))
                yield
            status = OK
        except DomainError as error:
            status = rich_status_of(error)
        except Exception as error:  # noqa: BLE001 - whatever is left would reach the caller with its own words
            status = TOO_LATE if deadline.expired() else _failed(method, error)
        finally:
            seconds = perf_counter() - began
            self._on_call(method, status.code.name, seconds)
            self._application.telemetry.requested("grpc", method, status.code.name, seconds)
        if status is not OK:
            trailers = (*status.trailing_metadata, *context.trailing_metadata())
            await context.abort(status.code, status.details, trailers)

    async def _admitted(self, context: Context) -> Caller:
        """Who calls. What their key has left is told behind the answer, whatever that is."""
        told = {name: str(value) for name, value in context.invocation_metadata() or ()}
        address = address_behind(_peer_of(context), told.get("x-forwarded-for", ""))
        try:
            admission = await self._application.admit_call(_key_in(told), address)
        except CallsTooFast as refused:
            if refused.admission:
                context.set_trailing_metadata(tuple(limit_fields(refused.admission)))
            raise
        context.set_trailing_metadata(tuple(limit_fields(admission)))
        return admission.caller

    async def _user_must_exist(self, request: object) -> None:
        # A user's key is gone with its user. The administrator's is not, and a list of nobody's would just be empty.
        user_id = getattr(request, "user_id", None)
        caller = caller_of_call.get()
        if caller.is_admin and user_id is not None:
            await self._application.users.get(caller, uuid_in(user_id, "user_id"))


def _failed(method: str, error: Exception) -> grpc.Status:
    log.error("rpc_failed", method=method, exc_info=error)
    return FAILED


def _key_in(told: Mapping[str, str]) -> str:
    scheme, _, key = told.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized("Show a key: the metadata authorization: Bearer KEY.")
    return key.strip()


def _peer_of(context: Context) -> str:
    """The address of who connects, of what the library writes as ipv4:127.0.0.1:5000 or ipv6:%5B::1%5D:5000."""
    return unquote(context.peer()).partition(":")[2].rpartition(":")[0].strip("[]")


def _wrapped(handler: Handler, around: Around, must_exist: MustExist) -> Handler:
    # The published types describe the synchronous server's functions only.
    behaviour: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

    # The library's answer to a message that it cannot read is INTERNAL, and it would read those of strangers too.
    deserialize = None if handler.request_streaming else handler.request_deserializer

    async def answer_once(request: object, context: Context) -> object:
        async with around(context):
            asked = read_request(request, deserialize)
            await must_exist(asked)
            try:
                return await behaviour(asked, context)
            except AnsweredBefore as before:
                return before.answer

    async def answer_many(request: object, context: Context) -> AsyncIterator[object]:
        async with around(context):
            asked = read_request(request, deserialize)
            await must_exist(asked)
            async with aclosing(behaviour(asked, context)) as answers:
                async for answer in answers:
                    yield answer

    rewrap = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[handler.request_streaming, handler.response_streaming]
    return rewrap(
        answer_many if handler.response_streaming else answer_once,
        request_deserializer=handler.request_deserializer if handler.request_streaming else None,
        response_serializer=serialized,
    )


def serialized(answer: Message | bytes) -> bytes:
    """The same bytes for equal messages, in every process; an answer of before as it was."""
    return answer if isinstance(answer, bytes) else answer.SerializeToString(deterministic=True)
