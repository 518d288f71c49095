"""One table from the families of errors to status codes, with the details of google.rpc that programs read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from application.ports.answers import StillRunning
from domain.credits import InsufficientCredits
from domain.shared import (
    Conflict,
    DomainError,
    Exhausted,
    Forbidden,
    InvalidInput,
    NotFound,
    TooFast,
    Unauthorized,
    Unavailable,
    storable,
)

DOMAIN = "frontdesk"
UNAVAILABLE_SECONDS = 1.0
FIELDS = {"cursor": "page_token", "Idempotency-Key": "idempotency_key"}
"""The fields that bear another name in a message than in the application's words."""

STATUS_CODES: Mapping[type[DomainError], grpc.StatusCode] = {
    InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    Unauthorized: grpc.StatusCode.UNAUTHENTICATED,
    Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    NotFound: grpc.StatusCode.NOT_FOUND,
    Conflict: grpc.StatusCode.FAILED_PRECONDITION,
    StillRunning: grpc.StatusCode.ABORTED,  # the client may send the same again, unlike after other conflicts
    Exhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    # Clients repeat what a limit refused; a balance does not fill up by itself.
    InsufficientCredits: grpc.StatusCode.FAILED_PRECONDITION,
}


def status_code_of(error: type[DomainError]) -> grpc.StatusCode:
    """The status code of the nearest family."""
    families = (STATUS_CODES[family] for family in error.__mro__ if family in STATUS_CODES)
    return next(families, grpc.StatusCode.INTERNAL)


def rich_status_of(error: DomainError) -> grpc.Status:
    """`error` as a status with details: ErrorInfo with its code, BadRequest naming the field, RetryInfo."""
    return status_of(status_code_of(type(error)), str(error), *_details(error))


def status_of(status_code: grpc.StatusCode, message: str, *details: Message) -> grpc.Status:
    """A status with these details."""
    code = code_pb2.Code.Value(status_code.name)
    packed = [_packed(detail) for detail in details]
    status: grpc.Status = rpc_status.to_status(status_pb2.Status(code=code, message=storable(message), details=packed))
    return status


def _details(error: DomainError) -> list[Message]:
    details: list[Message] = [_error_info(error)]
    if isinstance(error, InvalidInput):
        field = FIELDS.get(error.field, error.field)
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=storable(str(error)))
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, TooFast):
        details.append(_retry_after(error.after_seconds))
    if isinstance(error, Unavailable):
        details.append(_retry_after(UNAVAILABLE_SECONDS))
    return details


def _retry_after(seconds: float) -> error_details_pb2.RetryInfo:
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromTimedelta(timedelta(seconds=seconds))
    return retry


def _error_info(error: DomainError) -> error_details_pb2.ErrorInfo:
    # AIP-193 spells reasons in capitals; the metadata carries the code as the REST door spells it.
    metadata = {"code": error.code}
    if isinstance(error, InsufficientCredits):
        account = error.account
        metadata |= {"balance": str(account.balance), "held": str(account.held), "available": str(account.available)}
    return error_details_pb2.ErrorInfo(reason=error.code.upper(), domain=DOMAIN, metadata=metadata)


def _packed(detail: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed
