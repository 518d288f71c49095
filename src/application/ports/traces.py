"""What the record has of one message."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from domain.traces import Facts


class Traces(Protocol):
    """Reads together what lies in several places."""

    async def facts(self, user_id: UUID, message_id: UUID) -> Facts:
        """All of it. Raises NotFound when the user has no such message."""
        ...
