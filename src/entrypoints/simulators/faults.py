"""What goes wrong on purpose: the fault itself, and the exceptions that carry it out of a handler."""

from typing import Annotated

from msgspec import Meta, Struct

Milliseconds = Annotated[float, Meta(ge=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An error answer in the words of both APIs; each simulator renders the fields its original knows."""

    http_status: Annotated[int, Meta(ge=200, le=599)] = 500
    code: int | str | None = None
    message: str = "The simulator was told to fail."
    type: str | None = None
    param: str | None = None
    subcode: int | None = None
    details: str | None = None
    is_transient: bool | None = None
    retry_after: float | None = None
    should_retry: bool | None = None


class ErrorRate(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault that strikes a share of the calls."""

    rate: Probability


class FaultError(Exception):
    """The call is answered with a fault."""

    def __init__(self, fault: Fault) -> None:
        """Keep the fault for the one place that renders it."""
        super().__init__(fault.message)
        self.fault = fault


class ConnectionCutError(Exception):
    """The connection is cut; whatever was not sent yet never arrives."""
