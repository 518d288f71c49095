"""Notices in Postgres, read back."""

from __future__ import annotations

from uuid import UUID

from psycopg.rows import TupleRow

from adapters.persistence.database import Database
from adapters.persistence.pages import fetch_page
from application.pages import Page, PageRequest
from domain.channels import ChannelType
from domain.notices import KeptNotice

# A notice of another phone number of the same business names that one's account, and is none of this one's.
NOTICES = """
select item.id, item.type, item.account, item.business, item.field, item.content, item.occurred_at, item.created_at
from (select n.*, n.received_at as created_at from channel_notices n) item
join phone_numbers number on number.type = item.type
    and (item.account = number.account or item.account is null and item.business = number.business)
"""


class PostgresChannelHealth:
    """The notices of phone numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def notices(self, user_id: UUID, phone_number_id: UUID, page: PageRequest) -> Page[KeptNotice]:
        """What the platform told; see the port."""
        conditions = {"number.id = %s": phone_number_id, "number.user_id = %s": user_id}
        return await fetch_page(self._database.of(user_id), NOTICES, conditions, page, _notice)


def _notice(row: TupleRow) -> KeptNotice:
    id_, type_, *rest = row
    return KeptNotice(id_, ChannelType(type_), *rest)
