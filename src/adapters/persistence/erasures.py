"""What is to be erased at the model's provider. The schema's triggers note it when rows go; it is worked off here."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.persistence.database import Database
from domain.erasing import Erasure, ErasureKind

CLAIM = """
update erasures set due_at = now() + %s * interval '1 second', attempts = attempts + 1
where (kind, openai_id) in (
    select kind, openai_id from erasures where due_at <= now() order by due_at limit %s for update skip locked
) returning kind, openai_id, attempts
"""
DONE = """
delete from erasures where (kind, openai_id) in (select * from unnest(%s::text[], %s::text[]) as gone (kind, openai_id))
"""
PUT_OFF = "update erasures set due_at = now() + %s * interval '1 second' where kind = %s and openai_id = %s"


class PostgresErasures:
    """One row for each thing. A claim is committed before anything is asked of the provider."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, lease_seconds: float, limit: int) -> Sequence[Erasure]:
        """What is due; see the port."""
        rows = await self._database.house.fetch(CLAIM, (lease_seconds, limit))
        return [Erasure(ErasureKind(kind), openai_id, attempts) for kind, openai_id, attempts in rows]

    async def done(self, erasures: Sequence[Erasure]) -> None:
        """They are gone; see the port."""
        names = ([one.kind for one in erasures], [one.openai_id for one in erasures])
        await self._database.house.execute(DONE, names)

    async def put_off(self, erasure: Erasure, seconds: float) -> None:
        """It is tried again later; see the port."""
        await self._database.house.execute(PUT_OFF, (seconds, erasure.kind, erasure.openai_id))
