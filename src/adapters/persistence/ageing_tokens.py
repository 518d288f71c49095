"""Tokens that are due for a new one, in the rows of their phone numbers; what is due, the database's clock says."""

from __future__ import annotations

from datetime import timedelta

from adapters.persistence.database import Database
from application.ports.token_refresh import AgeingToken
from domain.tokens import AGE_MAX_UNKNOWN, AGE_MIN, REFRESH_BEFORE_END, TRIES_APART

# A row that another scheduler has just claimed is looked at again under its lock, and is due no more.
CLAIM = """
update phone_numbers set token_tried_at = now() where id = (
    select id from phone_numbers
    where type = 'instagram' and access_token is not null and status <> 'unauthorized'
        and token_set_at <= now() - %(age_min)s
        and coalesce(token_expires_at <= now() + %(before_end)s, token_set_at <= now() - %(age_max_unknown)s)
        and (token_tried_at is null or token_tried_at <= now() - %(tries_apart)s)
    order by token_expires_at nulls last, id limit 1 for update skip locked
)
returning id, user_id, token_version, access_token
"""
KEEP = """
update phone_numbers set access_token = %(sealed)s, token_expires_at = now() + %(lasts)s
where id = %(id)s and token_version = %(version)s returning id
"""
DUE = {
    "age_min": AGE_MIN,
    "before_end": REFRESH_BEFORE_END,
    "age_max_unknown": AGE_MAX_UNKNOWN,
    "tries_apart": TRIES_APART,
}


class PostgresAgeingTokens:
    """Claims by a time in the row, so that of several schedulers one has it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self) -> AgeingToken | None:
        """One that is due; see the port."""
        rows = await self._database.house.fetch(CLAIM, DUE)
        return AgeingToken(*rows[0]) if rows else None

    async def keep(self, token: AgeingToken, sealed: bytes, lasts_seconds: float) -> bool:
        """Put a new one in its place; see the port."""
        named = {"id": token.phone_number_id, "version": token.version}
        lasts = timedelta(seconds=lasts_seconds)
        return bool(await self._database.house.fetch(KEEP, {**named, "sealed": sealed, "lasts": lasts}))
