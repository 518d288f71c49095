"""Errors as the Graph writes them."""

import secrets

from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.answers import Json, json_answer
from entrypoints.simulators.faults import Fault, FaultError
from entrypoints.simulators.meta.messages import Channel

_CODE_UNKNOWN = 1
# The code that goes with a status where the fault names none.
_CODES = {400: 100, 401: 190, 403: 10, 404: 2500, 503: 2}
_EXPIRED = Fault(http_status=401, code=190, subcode=463, message="Invalid OAuth access token", type="OAuthException")


def render(fault: Fault) -> Response:
    """The error body; Retry-After where the fault names it."""
    error: Json = {
        "message": fault.message,
        "type": fault.type or "OAuthException",
        "code": _CODES.get(fault.http_status, _CODE_UNKNOWN) if fault.code is None else fault.code,
        "error_subcode": fault.subcode,
        "is_transient": fault.is_transient,
        "fbtrace_id": f"A{secrets.token_urlsafe(16)}",
    }
    if fault.details:
        error["error_data"] = {"messaging_product": "whatsapp", "details": fault.details}
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    told = {name: value for name, value in error.items() if value is not None}
    return json_answer({"error": told}, fault.http_status, headers)


def invalid(message: str, *, subcode: int | None = None) -> FaultError:
    """Error 100: the request is at fault."""
    return FaultError(Fault(http_status=400, code=100, subcode=subcode, message=f"(#100) {message}"))


def unknown_object(object_id: str) -> FaultError:
    """Error 100 with subcode 33: there is no such object."""
    message = f"Unsupported request. Object with ID '{object_id}' does not exist"
    return FaultError(Fault(http_status=400, code=100, subcode=33, message=message, type="GraphMethodException"))


def window_closed(channel: Channel) -> Fault:
    """The customer's last message is older than 24 hours; each platform has its own error for that."""
    if channel == "whatsapp":
        return Fault(http_status=400, code=131047, message="(#131047) Re-engagement message")
    message = "This message is sent outside of allowed window."
    return Fault(http_status=400, code=10, subcode=2534022, message=message, type="IGApiException")


def demand_token(request: BaseRequest) -> None:
    """Any bearer token will do, none will not. Raises FaultError (190)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise FaultError(_EXPIRED)
