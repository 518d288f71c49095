"""The field of requests that create or spend, and what makes two of them the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from google.protobuf.message import Message

from application.app import Application
from application.ports.answers import Once
from entrypoints.rpc.interceptors import caller_of_call, serialized

Result = TypeVar("Result")


def once_of(application: Application, request: Any, answer: Callable[[Result], Message]) -> Once[Result] | None:  # noqa: ANN401 - any request that has the field
    """What a use case takes, whose result is answered with that message; `request` has an `idempotency_key`.

    Raises InvalidInput for a wrong key.
    """
    key = request.idempotency_key if request.HasField("idempotency_key") else None
    asked = type(request)()
    asked.CopyFrom(request)
    asked.ClearField("idempotency_key")
    name = f"rpc {request.DESCRIPTOR.full_name} ".encode()
    return application.once(
        caller_of_call.get(), key, name + serialized(asked), lambda result: serialized(answer(result))
    )
