"""What a rule of the script can make of a call to POST /responses."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from entrypoints.simulators.faults import Fault, Milliseconds


class FunctionCall(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A call that nobody answers: it stays behind in the conversation."""

    name: str
    arguments: str = "{}"
    call_id: str | None = None


class Outcome(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field says what comes out; the others how it travels. No field at all: an ordinary answer."""

    # What the model does.
    answer: str | None = None
    commentary: str | None = None
    refusal: str | None = None
    incomplete: Literal["max_output_tokens", "content_filter"] | None = None
    failed: str | None = None
    empty: bool = False
    function_call: FunctionCall | None = None
    response_status: Literal["queued", "in_progress", "cancelled"] | None = None
    # What becomes of the call.
    error: Fault | None = None
    hang: bool = False
    delay_ms: Milliseconds = 0
    accept_and_lose: bool = False
    cut_after_events: Annotated[int, Meta(ge=0)] | None = None
    stream_error: str | None = None
    broken_json: bool = False
    drip_ms: Milliseconds = 0


ORDINARY = Outcome()
