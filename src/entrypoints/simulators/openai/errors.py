"""Errors as OpenAI writes them."""

import json

from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.answers import json_answer
from entrypoints.simulators.faults import Fault, FaultError

_TYPES = {401: "invalid_request_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}


def render(fault: Fault) -> Response:
    """The error body, with Retry-After and x-should-retry where the fault names them."""
    code = None if fault.code is None else str(fault.code)
    kind = fault.type or _TYPES.get(fault.http_status, "invalid_request_error")
    body = {"error": {"message": fault.message, "type": kind, "param": fault.param, "code": code}}
    return json_answer(body, fault.http_status, _headers(fault))


def refused(message: str, *, status: int = 400, param: str | None = None, code: str | None = None) -> FaultError:
    """The error of a request that is at fault itself."""
    return FaultError(Fault(http_status=status, message=message, type="invalid_request_error", param=param, code=code))


def demand_key(request: BaseRequest) -> None:
    """Any bearer key will do, none will not. Raises FaultError (401)."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise refused("You didn't provide an API key.", status=401, code="invalid_api_key")


def _headers(fault: Fault) -> dict[str, str]:
    headers = {}
    if fault.retry_after is not None:
        headers["Retry-After"] = f"{fault.retry_after:g}"
    if fault.should_retry is not None:
        headers["x-should-retry"] = json.dumps(fault.should_retry)
    return headers
