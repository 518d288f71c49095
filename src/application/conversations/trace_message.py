"""Where is my message, and why is there no answer?"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.ports.traces import Traces
from domain.traces import Trace, trace_of
from domain.users import Caller


@dataclass(frozen=True, slots=True)
class TraceMessage:
    """Tells the way of a message."""

    traces: Traces

    async def __call__(self, caller: Caller, user_id: UUID, message_id: UUID) -> Trace:
        """Every stage it passed, with times. Raises NotFound."""
        caller.must_read(user_id)
        return trace_of(await self.traces.facts(user_id, message_id))
