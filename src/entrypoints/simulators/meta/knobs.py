"""The knobs of the Meta simulator."""

from typing import Annotated, Literal

from msgspec import Meta

from entrypoints.simulators.faults import Milliseconds, Probability
from entrypoints.simulators.knobs import Knobs

StatusName = Literal["sent", "delivered", "read"]


class MetaKnobs(Knobs, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Latency delays the answer to a send; the webhooks that follow have delays of their own."""

    webhook_url: Annotated[str | None, Meta(description="where webhooks go; without it none are sent")] = None
    statuses: Annotated[
        tuple[StatusName, ...], Meta(description="which statuses follow a send, in this order; [] for none")
    ] = ("sent", "delivered", "read")
    status_delay_ms: Annotated[Milliseconds, Meta(description="pause before each status")] = 0
    status_delay_spread_ms: Annotated[Milliseconds, Meta(description="plus or minus this much")] = 0
    disorder: Annotated[Probability, Meta(description="share of sends whose statuses come shuffled")] = 0
    echoes: Annotated[bool, Meta(description="echo what is sent on Instagram")] = True
    duplicate_rate: Annotated[Probability, Meta(description="share of webhooks that come twice")] = 0
    redelivery_base_ms: Annotated[
        Milliseconds, Meta(description="first pause after a refused webhook; doubles each time")
    ] = 500
    redelivery_attempts_max: Annotated[int, Meta(ge=0, description="how often a refused webhook is repeated")] = 6
    country_code: Annotated[
        str, Meta(pattern=r"^\d+$", description="put before a `to` without its plus, as Meta does")
    ] = "1"
    window_closed_for: Annotated[
        tuple[str, ...], Meta(description="customers who wrote too long ago: only templates reach them")
    ] = ()
    token_days: Annotated[float, Meta(ge=0, description="how long an Instagram token lasts that was refreshed")] = 60
