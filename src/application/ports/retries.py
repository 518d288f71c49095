"""Sending again what the platform did not deliver."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from application.ports.answers import Once
from domain.conversations import Message


class Retries(Protocol):
    """Failed messages, taken up again."""

    async def retry(self, user_id: UUID, message_id: UUID, once: Once[Message] | None) -> Message:
        """Put a failed message of ours back to `pending`, in a new open turn that a worker has to take.

        The turn holds a credit at the price of the failed one and takes over the messages it was to answer.

        Raises NotFound, NotFailed when it is no reply that failed, AgentGone, TurnUnderWay, InsufficientCredits, and as
        Answers says.
        """
        ...
