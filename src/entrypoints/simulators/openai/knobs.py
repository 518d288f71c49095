"""The knobs of the OpenAI simulator."""

from typing import Annotated

from msgspec import Meta

from entrypoints.simulators.knobs import Knobs


class OpenAIKnobs(Knobs, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Latency is the model's: it delays POST /responses and keeps the conversation locked meanwhile."""

    prompts_shut_down: Annotated[
        bool, Meta(description="refuse pmpt_ prompts, as after the announced end of reusable prompts")
    ] = False
