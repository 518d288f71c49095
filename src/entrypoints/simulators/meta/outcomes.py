"""What a rule of the script can make of a call to the Graph."""

from msgspec import Struct

from entrypoints.simulators.faults import Fault, Milliseconds
from entrypoints.simulators.meta.knobs import StatusName


class FailedLater(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The send is accepted and fails afterwards, by a status."""

    code: int
    title: str = "Message undeliverable"
    details: str | None = None
    after: tuple[StatusName, ...] = ("sent",)


class Outcome(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field says what happens; `delay_ms` goes with all. No field at all: the ordinary."""

    error: Fault | None = None
    accept_and_lose: bool = False
    hang: bool = False
    unparsable: bool = False
    failed_later: FailedLater | None = None
    delay_ms: Milliseconds = 0


ORDINARY = Outcome()
