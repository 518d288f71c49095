"""The actors: each takes a hint from the queue and passes it on."""

from __future__ import annotations

from uuid import UUID

import dramatiq

from entrypoints.container import ACTOR, EXTRACTION_ACTOR, EXTRACTION_QUEUE, QUEUE
from entrypoints.worker.lifespan import ApplicationLifespan


def register_actors(broker: dramatiq.Broker, lifespan: ApplicationLifespan) -> None:
    """Make the actors known to the broker."""

    def take_turns(phone_number_ids: list[str]) -> None:
        """Somebody wrote to those phone numbers."""
        lifespan.wake([UUID(phone_number_id) for phone_number_id in phone_number_ids])

    def run_extractions() -> None:
        """Conversations wait to be read."""
        lifespan.wake_for_extractions()

    dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(take_turns)
    dramatiq.actor(actor_name=EXTRACTION_ACTOR, queue_name=EXTRACTION_QUEUE, broker=broker)(run_extractions)
