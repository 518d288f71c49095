"""The knobs of the OpenAI simulator."""

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from entrypoints.simulators.knobs import Knobs


class OpenAIKnobs(Knobs, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Latency is the model's: it delays POST /responses and keeps the conversation locked meanwhile."""

    prompts_shut_down: Annotated[
        bool, Meta(description="refuse pmpt_ prompts, as after the announced end of reusable prompts")
    ] = False
    shutdown_dates: Annotated[
        dict[str, date], Meta(description='when models end, as GET /models tells it, e.g. {"gpt-5-mini":"2026-12-11"}')
    ] = msgspec.field(default_factory=dict)
